"""Which of two installations keeps a calendar."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.domain.calendar_writers import NOBODY, UNSTAMPED, CalendarWriter, WriterStamp

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
OLD, NEW = CalendarWriter(id="old"), CalendarWriter(id="new")
moments = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
writers = st.builds(
    CalendarWriter,
    id=st.sampled_from(["a", "b", "c"]),
    term=st.integers(min_value=1, max_value=4),
)


@given(writers, moments)
def test_a_stamp_survives_its_text(writer: CalendarWriter, moment: datetime) -> None:
    stamp = writer.stamp(moment)
    assert WriterStamp.parse(str(stamp)) == stamp
    assert writer.wrote(stamp)


@given(st.text(max_size=40))
def test_what_is_no_stamp_reads_as_none(text: str) -> None:
    read = WriterStamp.parse(text)
    assert read == UNSTAMPED or str(read).split(" ", 2)[1:] == text.split(" ", 2)[1:]


def test_who_only_looks_stamps_nothing() -> None:
    assert str(NOBODY.stamp(NINE)) == ""


@given(moments, moments)
def test_stamps_are_in_the_order_of_their_moments(one: datetime, other: datetime) -> None:
    first, second = (
        OLD.stamp(each.replace(microsecond=each.microsecond // 1000 * 1000))
        for each in sorted((one, other))
    )
    assert first.at <= second.at


def test_own_writes_overrule_nobody() -> None:
    assert OLD.overruled_by([OLD.stamp(NINE), UNSTAMPED], {}) is None


def test_in_one_term_only_writes_since_we_began_count() -> None:
    before, after = NEW.stamp(NINE), NEW.stamp(NINE + timedelta(minutes=1))
    known = OLD.last_moments([before, OLD.stamp(NINE)])
    assert known == {"new": before.at}
    assert OLD.overruled_by([before], known) is None
    assert OLD.overruled_by([before, after], known) == after


@pytest.mark.parametrize("known", [{}, {"new": "9999"}])
def test_a_later_term_always_counts_and_an_earlier_never(known: dict[str, str]) -> None:
    in_charge = CalendarWriter(id="new", term=2)
    assert OLD.overruled_by([in_charge.stamp(NINE)], known) == in_charge.stamp(NINE)
    assert in_charge.overruled_by([OLD.stamp(NINE + timedelta(days=9))], {}) is None


@given(st.lists(st.tuples(writers, moments), min_size=1))
def test_of_installations_in_different_terms_exactly_the_last_goes_on(
    writes: list[tuple[CalendarWriter, datetime]],
) -> None:
    stamps = [writer.stamp(moment) for writer, moment in writes]
    last = max(writer.term for writer, _ in writes)
    for writer, _ in writes:
        if writer.term < last:
            assert writer.overruled_by(stamps, writer.last_moments(stamps)) is not None
        else:
            assert writer.overruled_by(stamps, writer.last_moments(stamps)) is None


def test_a_copied_home_in_charge_by_a_later_term_overrules_its_twin() -> None:
    twin = CalendarWriter(id="old", term=2)
    assert OLD.overruled_by([twin.stamp(NINE)], {}) is not None
    assert not OLD.wrote(twin.stamp(NINE))
