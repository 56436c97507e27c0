"""How often `classifier monitor` alarms: ``python benchmarks/drift_alarms.py`` (a few minutes).

Our messages are shuffled and cut in two again and again. Without drift every alarm is false; then spam replaces a share
of the second part, and the alarms are those that should be.
"""

from __future__ import annotations

import argparse

import numpy as np

import classifier
from classifier.assembly import data_folder
from classifier.dataset import load_messages
from classifier.examples import label_matrix
from classifier.guidelines import LABELS
from classifier.monitoring import compare, known_shares
from classifier.reference import reference

SIZES = ((7000, 7000), (10_000, 1000), (10_000, 200), (1000, 1000))
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)


def main() -> None:
    """Print the share of reports with an alarm for each pair of sizes and each share of spam put in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release")
    parser.add_argument("--repeats", type=int, default=300)
    arguments = parser.parse_args()
    scorer = classifier.load(arguments.release)
    messages = load_messages(data_folder())
    texts = np.array(messages["text"].tolist(), object)
    confidences, shares = scorer.confidences(texts.tolist()), known_shares(scorer, texts.tolist())
    spam = label_matrix(messages)[:, LABELS.index("spam")] > 0
    calm, spam = np.flatnonzero(~spam), np.flatnonzero(spam)
    rng = np.random.default_rng(0)

    def alarm(size: int, other: int, share: float) -> bool:
        rows = rng.permutation(calm)
        now = rows[size : size + other] if len(rows) >= size + other else rng.choice(rows, other)
        now[: round(share * other)] = rng.choice(spam, round(share * other))
        sides = (reference(texts[part].tolist(), confidences[part], shares[part]) for part in (rows[:size], now))
        return bool(compare(*sides, seed=int(rng.integers(1 << 31))).moved)

    print("| reference | export | " + " | ".join(f"{share:.0%} spam" for share in SHARES) + " |")
    print("| --- | --- |" + " --- |" * len(SHARES))
    for size, other in SIZES:
        size = min(size, len(calm) - other)
        repeats = [arguments.repeats if share == 0 else arguments.repeats // 10 for share in SHARES]
        rates = [
            np.mean([alarm(size, other, share) for _ in range(n)]) for share, n in zip(SHARES, repeats, strict=True)
        ]
        print(f"| {size:,} | {other:,} | " + " | ".join(f"{rate:.1%}" for rate in rates) + " |", flush=True)


if __name__ == "__main__":
    main()
