"""From the UTF-8 of an Arrow column to code points."""

from __future__ import annotations

import numpy as np

from classifier.kernels.compiling import compiled

_REPLACEMENT = 0xFFFD


@compiled
def decode(data, bounds):
    """The code points of strings end to end, and where each begins; string ``i`` is ``data[bounds[i]:bounds[i + 1]]``.

    What is no UTF-8 (Arrow does not check) becomes U+FFFD, a byte at a time; nothing outside a string is read.
    """
    points = np.empty(bounds[-1] - bounds[0], np.uint32)
    offsets = np.zeros(len(bounds), np.int64)
    n = 0
    for i in range(len(bounds) - 1):
        at, end = bounds[i], bounds[i + 1]
        while at < end:
            c = np.uint32(data[at])
            at += 1
            if c >= 0x80:
                more = 1 if 0xC2 <= c < 0xE0 else 2 if 0xE0 <= c < 0xF0 else 3 if 0xF0 <= c < 0xF5 else 0
                whole = more > 0 and at + more <= end
                value = c & (0x3F >> more)
                for k in range(more if whole else 0):
                    byte = np.uint32(data[at + k])
                    whole &= (byte & 0xC0) == 0x80
                    value = (value << 6) | (byte & 0x3F)
                if whole:
                    c = value
                    at += more
                else:
                    c = np.uint32(_REPLACEMENT)
            points[n] = c
            n += 1
        offsets[i + 1] = n
    return points[:n], offsets
