from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.timestamps import parse_time

MOMENT = datetime(2026, 10, 24, 4, 40, 12, tzinfo=UTC)
MINUTE = MOMENT.replace(second=0)
DAY = datetime(2026, 10, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-10-24T06:40:12+02:00", MOMENT),
        ("2026-10-24T04:40:12Z", MOMENT),
        ("2026-10-24 04:40:12", MOMENT),
        ("2026-10-24 04:40:12 UTC", MOMENT),
        ("2026-10-24 04:40:12 +0000 UTC", MOMENT),
        ("2026-10-23 23:40:12 -0500", MOMENT),
        ("2026-10-24T04:40:12.000000999Z", MOMENT),
        ("20261024T044012Z", MOMENT),
        ("20261024044012", MOMENT),
        ("202610240440", MINUTE),
        ("1792816812", MOMENT),
        ("1792816812.0", MOMENT),
        ("1792816812000", MOMENT),
        ("1792816812000000", MOMENT),
        ("1792816812000000000", MOMENT),
        ("Sat, 24 Oct 2026 06:40:12 +0200", MOMENT),
        ("24 Oct 2026 06:40:12 +0200", MOMENT),
        ("Sat Oct 24 04:40:12 +0000 2026", MOMENT),
        ("2026/10/24 04:40:12", MOMENT),
        ("24.10.2026, 04:40:12", MOMENT),
        ("  24.10.2026 04:40 ", MINUTE),
        ("Oct 24, 2026, 4:40\u202fAM", MINUTE),
        ("October 24, 2026 at 4:40 AM", MINUTE),
        ("2026-10-24", DAY),
        ("20261024", DAY),
    ],
)
def test_the_forms_of_exports_are_read(value, moment):
    assert parse_time(value) == moment
    assert parse_time(value).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        None, "", " ", "5", "2026", "12345", "03/04/2026", "24/10/2026 04:40", "yesterday", "2026-13-01", "2026-02-30",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "１７９２８１６８１２", "99999999999",
        "nan", "1e9", "-1792816812",
    ],
)  # fmt: skip
def test_what_may_mean_two_moments_or_none_is_not_read(value):
    assert parse_time(value) is None


@given(st.text(max_size=30))
def test_any_text_gives_utc_or_nothing(value):
    found = parse_time(value)
    assert found is None or found.utcoffset() == timedelta(0)


@given(
    st.datetimes(datetime(1980, 1, 1), datetime(2200, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_iso_times_come_back(moment, minutes):
    moment = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_time(moment.isoformat()) == moment
    assert parse_time(str(moment)) == moment
