"""When what a sender does as a whole calls for more than any single message: the ``[senders]`` table of a policy.

::

    [senders]
    window = "7 days"            # flags and reports are counted within any stretch of this length
    window_messages = 50         # ... or of this many of the sender's messages, where the export has no times
    flags_to_report = 3          # messages at flag or above in a window; false: no such rule
    flags_share = 0.1            # ... which are also at least this share of the sender's messages in it
    reports_to_block = 3         # messages at report or above in a window
    reports_share = 0.02
    burst = "10 minutes"         # messages to one recipient this close together are one contact
    unanswered_to_flag = 5       # contacts with one recipient since the recipient's last message to the sender
    unanswered_to_report = 10
    copies_to_flag = 5           # recipients of one and the same text
    copies_to_report = 20
    copies_length = 30           # characters below which a text is small talk and no copy; ideographs count double

Why these figures. A flag may be wrong as often as it is right, and six labels then flag some 3 in 100 harmless
messages: three flags are a pattern only for somebody who does not write hundreds, hence the share, about three times
what chance gives. Reports are right four times in five, so their share is smaller. People write in bursts of short
messages, so a burst is one contact; five contacts without an answer are still what a shy partner may send, ten are not.
"Hello, nice to meet you" goes to many, so short texts are no copies, and five recipients of a longer one only call for
a look.

Rules of time and number alone never block: contacts without answer and copies end at report, and `reports_to_block`
counts messages that the model itself reports.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from classifier.errors import PolicyError
from classifier.policy_file import read_policy

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["SenderRules", "read_sender_rules", "sender_rules"]

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_DURATION = re.compile(rf"(\d{{1,6}}) ?({'|'.join(_UNITS)})s?")
_ORDERED = (("unanswered_to_flag", "unanswered_to_report"), ("copies_to_flag", "copies_to_report"))


@dataclass(frozen=True)
class SenderRules:
    """The rules of the module's text, with their defaults; a number of None means that there is no such rule."""

    window: timedelta = timedelta(days=7)
    window_messages: int = 50
    flags_to_report: int | None = 3
    flags_share: float = 0.1
    reports_to_block: int | None = 3
    reports_share: float = 0.02
    burst: timedelta = timedelta(minutes=10)
    unanswered_to_flag: int | None = 5
    unanswered_to_report: int | None = 10
    copies_to_flag: int | None = 5
    copies_to_report: int | None = 20
    copies_length: int = 30

    def as_dict(self) -> dict[str, Any]:
        """The rules as a policy file writes them.

        >>> SenderRules().as_dict()["window"], SenderRules(copies_to_flag=None).as_dict()["copies_to_flag"]
        ('7 days', False)
        """
        return {field.name: _written(getattr(self, field.name)) for field in fields(self)}


def read_sender_rules(path: str | os.PathLike[str]) -> SenderRules:
    """The rules of a policy file; raises `PolicyError` naming the file and the key."""
    return sender_rules(read_policy(path).senders, str(path))


def sender_rules(table: Mapping[str, Any], where: str = "the policy") -> SenderRules:
    """The rules of a ``[senders]`` table over the defaults.

    >>> sender_rules({"window": "36 hours", "reports_to_block": False}).window.total_seconds()
    129600.0
    >>> sender_rules({"copies_to_flag": 30})
    Traceback (most recent call last):
    ...
    classifier.errors.PolicyError: the policy, [senders]: copies_to_flag = 30 is more than copies_to_report = 20;
    raise copies_to_report or set it to false
    """
    where = f"{where}, [senders]"
    if not hasattr(table, "items"):
        raise PolicyError(f"{table!r} is no table", where=where, todo="write its keys below [senders]")
    known = {field.name: field for field in fields(SenderRules)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise PolicyError(f"'{key}' is unknown", where=where, todo=f"use one of {', '.join(known)}")
        values[key] = _value(key, value, known[key].default, where)
    rules = SenderRules(**values)
    for milder, severer in _ORDERED:
        low, high = getattr(rules, milder), getattr(rules, severer)
        if low is not None and high is not None and low > high:
            what = f"{milder} = {low} is more than {severer} = {high}"
            raise PolicyError(what, where=where, todo=f"raise {severer} or set it to false")
    return rules


def _value(key: str, value: Any, default: Any, where: str) -> timedelta | float | None:
    if isinstance(default, timedelta):
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        seconds = int(match[1]) * _UNITS[match[2]] if match else 0
        if not match or (not seconds and key == "window"):
            raise PolicyError(
                f"{key} = {value!r} is no length of time", where=where, todo='write "7 days" or "36 hours"'
            )
        return timedelta(seconds=seconds)
    if isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise PolicyError(f"{key} = {value!r} is no share from 0 to 1", where=where)
        return float(value)
    may_be_off = "_to_" in key
    if value is False and may_be_off:
        return None
    least = 2 if may_be_off or key == "window_messages" else 0
    if type(value) is not int or value < least:
        raise PolicyError(
            f"{key} = {value!r} is no whole number from {least}", where=where,
            todo="write false to do without the rule" if may_be_off else "",
        )  # fmt: skip
    return value


def _written(value: Any) -> Any:
    if not isinstance(value, timedelta):
        return False if value is None else value
    seconds = int(value.total_seconds())
    units = [name for name, unit in _UNITS.items() if seconds and not seconds % unit and name != "week"] or ["second"]
    count = seconds // _UNITS[units[-1]]
    return f"{count} {units[-1]}{'s'[: count != 1]}"
