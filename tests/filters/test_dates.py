"""Dates: what is read as which moment, and that nothing else is."""

from __future__ import annotations

import email.utils
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.filters.dates import LONGEST, MOMENT, moment, moments

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2020, 1, 15, 10, 30, tzinfo=UTC)

DATES = {
    # ARC
    "20200115103000": NOON,
    "202001151030": NOON,
    "20200115": datetime(2020, 1, 15, tzinfo=UTC),
    "20200115103000.25": NOON + timedelta(milliseconds=250),
    "20200115103000123": NOON + timedelta(milliseconds=123),
    "19991231235959": datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
    # ISO 8601
    "2020-01-15T10:30:00Z": NOON,
    "2020-01-15t10:30:00z": NOON,
    "2020-01-15T12:30:00+02:00": NOON,
    "2020-01-15T12:30:00+0200": NOON,
    "2020-01-15T12:30:00+02": NOON,
    "2020-01-15 05:00:00-05:30": NOON,
    "2020-01-15 10:30:00": NOON,
    "2020-01-15 10:30:00 UTC": NOON,
    "2020-01-15T10:30:00 +00:00": NOON,
    "2020/01/15 10:30": NOON,
    "  2020-1-15  10:30 ": NOON,
    "20200115T103000Z": NOON,
    "20200115T123000+0200": NOON,
    "20200115 103000": NOON,
    "2020-01-15T10:30:00.5": NOON + timedelta(milliseconds=500),
    "2020-01-15T10:30:00,5Z": NOON + timedelta(milliseconds=500),
    "2020-01-15T10:30:00.123456789": NOON + timedelta(microseconds=123456),
    "2020-01-15": datetime(2020, 1, 15, tzinfo=UTC),
    "2020-02": datetime(2020, 2, 1, tzinfo=UTC),
    "2020": datetime(2020, 1, 1, tzinfo=UTC),
    "2016-12-31T23:59:60Z": datetime(2017, 1, 1, tzinfo=UTC),
    "2016-12-31T24:00:00Z": datetime(2017, 1, 1, tzinfo=UTC),
    "2020-02-29": datetime(2020, 2, 29, tzinfo=UTC),
    "0001-01-01": datetime(1, 1, 1, tzinfo=UTC),
    "9999-12-31T23:59:59.999999": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    # RFC 822 and what came of it
    "Wed, 15 Jan 2020 10:30:00 GMT": NOON,
    "15 Jan 2020 10:30 UT": NOON,
    "Wed, 15 Jan 2020 12:30:00 +0200": NOON,
    "Wed, 15 Jan 2020 05:30:00 EST": NOON,
    "Wed, 15 Jan 2020 03:30:00 PDT": NOON,
    "Wed, 15 Jan 2020 10:30:00 XYZ": NOON,
    "Wed, 15 Jan 2020 10:30:00 -0000": NOON,
    "Wed, 15 Jan 2020 10:30:00 +0000 (UTC)": NOON,
    "Wednesday, 15-Jan-20 10:30:00 GMT": NOON,
    "15 Jan 99": datetime(1999, 1, 15, tzinfo=UTC),
    "15 September 2020": datetime(2020, 9, 15, tzinfo=UTC),
    "Wed Jan 15 10:30:00 2020": NOON,
    "Sun Jan  5 10:30:00 2020": NOON - timedelta(days=10),
    # Since 1970
    "1579084200": NOON,
    "1579084200.25": NOON + timedelta(milliseconds=250),
    "1579084200.0": NOON,
    "1579084200123": NOON + timedelta(milliseconds=123),
    "1579084200123.9999": NOON + timedelta(microseconds=123999),
    "1579084200123456": NOON + timedelta(microseconds=123456),
    "1579084200123456789": NOON + timedelta(microseconds=123456),
    "915148800": datetime(1999, 1, 1, tzinfo=UTC),
    "915148800000": datetime(1999, 1, 1, tzinfo=UTC),
    "915148800000000": datetime(1999, 1, 1, tzinfo=UTC),
    "915148800000000000": datetime(1999, 1, 1, tzinfo=UTC),
    "-915148800": datetime(1941, 1, 1, tzinfo=UTC),
    "-915148800.5": datetime(1940, 12, 31, 23, 59, 59, 500000, tzinfo=UTC),
    "-915148800000000001": datetime(1940, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
}

NO_DATES = (
    *("", " ", "today", "null", "None", "True", "nan", "5 May", "January", "1", "12.5", "99"),
    *("20201315103000", "20200230", "202001152530", "20200115106000", "2020011510300"[:11]),
    *("2020-13-01", "2020-00-10", "2020-02-30", "2019-02-29", "0000-01-01", "20-01-15"),
    *("2020-01-15T25:00:00", "2020-01-15T10:60:00", "2020-01-15T10:30:61", "2020-01-15T24:00:01"),
    *("2020-01-15T10:30:00+24:00", "2020-01-15T10:30:00+02:60", "2020-01-15T10:30:00 CEST"),
    *("2020-W03-3", "2020-015", "+12020-01-15", "-0044-03-15", "2020-01-15T", "2020-01-15Z"),
    *("0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "01/15/2020", "15.01.2020"),
    *("Wed, 15 Foo 2020 10:30:00 GMT", "Wed, 32 Jan 2020 10:30:00 GMT", "Jan 15, 2020"),
    *("Wed, 15 Jan 2020 10:30:00 +2460", "Wed Foo 15 10:30:00 2020", "10:30:00"),
    *("12345678901", "-20200115", "20200115.5", "99999999999999", "20201301000000000"),
    *("30000101000000000", "99999999999999999", "2020-01-15T10:30:00Z and more"),
    *("２０２０-01-15", "2020-01-15" + " " * LONGEST, "1" * 20, "1579084200." + "1" * 21),
)
"""Of the calendar, of the clock, of the zone, of the unit, of the length: what each is not."""


@pytest.mark.parametrize("text", DATES)
def test_a_date_tells_its_moment(text: str) -> None:
    found = moment(text)
    assert found is not None
    assert EPOCH + timedelta(microseconds=found) == DATES[text]


@pytest.mark.parametrize("text", NO_DATES)
def test_what_is_no_date_has_no_moment(text: str) -> None:
    assert moment(text) is None


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
    st.integers(-1439, 1439),
)
def test_iso_in_any_zone_goes_round(when: datetime, minutes: int) -> None:
    there = when.astimezone(timezone(timedelta(minutes=minutes)))
    expected = (when - EPOCH) // timedelta(microseconds=1)
    assert moment(there.isoformat()) == expected
    assert moment(there.isoformat(" ")) == expected
    assert moment(there.isoformat().replace("-", "/", 2)) == expected


@given(
    st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
    st.integers(-1439, 1439),
)
def test_mail_and_arc_go_round_to_the_second(when: datetime, minutes: int) -> None:
    whole = when.replace(microsecond=0)
    there = whole.astimezone(timezone(timedelta(minutes=minutes)))
    expected = (whole - EPOCH) // timedelta(microseconds=1)
    assert moment(email.utils.format_datetime(there)) == expected
    assert moment(email.utils.format_datetime(whole, usegmt=True)) == expected
    assert moment(whole.strftime("%a %b %d %H:%M:%S %Y")) == expected
    assert moment(whole.strftime("%Y%m%d%H%M%S")) == expected
    assert moment(time.strftime("%A, %d-%b-%Y %H:%M:%S GMT", whole.timetuple())) == expected


@given(st.datetimes(datetime(1973, 4, 1), datetime(2286, 11, 20), timezones=st.just(UTC)))
def test_an_epoch_is_read_in_the_unit_of_its_size(when: datetime) -> None:
    micros = (when - EPOCH) // timedelta(microseconds=1)
    seconds, millis = micros // 10**6, micros // 10**3
    assert moment(str(seconds)) == seconds * 10**6
    assert moment(f"{seconds}.{micros % 10**6:06d}") == micros
    if not ("190000000000" <= str(millis) < "210000000000" and len(str(millis)) == 12):
        assert moment(str(millis)) == millis * 10**3
    assert moment(str(micros)) == micros
    assert moment(str(micros * 1000 + 999)) == micros


@given(st.text(max_size=80))
def test_any_text_is_a_date_or_none(text: str) -> None:
    found = moment(text)
    assert found is None or datetime(1, 1, 1) <= datetime(1970, 1, 1) + timedelta(
        microseconds=found
    )


def test_a_column_of_dates_has_nulls_for_what_is_none() -> None:
    column = moments(["2020-01-15", None, "", "soon", "9999-12-31"])
    assert column.type == MOMENT
    assert [value and value.year for value in column.to_pylist()] == [2020, None, None, None, 9999]
