"""What the pages say: times, counts, results."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from companion.services.sync.passes import PassResult
from companion.services.sync.progress import Progress, SyncPhase
from companion.web.plain_page import plain_page
from companion.web.ui import formatting

NOW = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
SYDNEY = "Australia/Sydney"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (50, "1 min ago"),
        (300, "5 min ago"),
        (7200, "2 h ago"),
        (3 * 86400, "3 days ago"),
    ],
)
def test_how_long_ago(seconds: int, said: str) -> None:
    assert formatting.ago(NOW - timedelta(seconds=seconds), NOW) == said


def test_never_is_a_word() -> None:
    assert formatting.ago(None, NOW) == "never"
    assert formatting.exact(None, SYDNEY) == ""


def test_times_are_said_in_the_practices_zone() -> None:
    assert formatting.exact(NOW, SYDNEY) == "Tue 24 Nov 2026, 09:30"
    assert formatting.short(NOW, SYDNEY, NOW) == "09:30"
    assert formatting.short(NOW - timedelta(days=1), SYDNEY, NOW) == "Mon 23 Nov, 09:30"


def test_spans_of_days_are_said_as_days() -> None:
    first = datetime(2026, 11, 24)  # noqa: DTZ001 - wall time
    assert formatting.span(first, first + timedelta(days=1), all_day=True) == "Tue 24 Nov, all day"
    assert (
        formatting.span(first, first + timedelta(days=3), all_day=True)
        == "Tue 24 Nov – Thu 26 Nov, all day"
    )
    assert formatting.span(first, first + timedelta(minutes=30)) == "Tue 24 Nov, 00:00–00:30"


def test_counts_agree_with_their_noun() -> None:
    assert formatting.counted(1, "removal") == "1 removal"
    assert formatting.counted(1200, "removal") == "1,200 removals"


def progress(**changes: object) -> Progress:
    values: dict[str, object] = {
        "practitioner_id": "a",
        "done": 120,
        "total": 400,
        "phase": SyncPhase.WRITING,
    }
    return Progress(**(values | changes))  # type: ignore[arg-type]


def test_progress_says_how_many_and_how_long() -> None:
    assert (
        formatting.progress_line(progress(seconds_left=65.0)) == "120 of 400, about 1 min 5 s left"
    )
    assert formatting.progress_line(progress()) == "120 of 400"
    assert (
        formatting.progress_line(progress(seconds_left=65.0, elsewhere=True))
        == "120 of 400 on another workstation, about 1 min 5 s left"
    )
    assert "Comparing" in formatting.progress_line(progress(phase=SyncPhase.PLANNING))


def test_a_result_says_what_was_done() -> None:
    result = PassResult(practitioner_id="a", practitioner="A", inserted=12, deleted=1)
    assert formatting.written(result) == "12 added, 1 removed"
    with_more = replace(result, unchanged=1200)
    assert formatting.written(with_more) == "12 added, 1 removed, 1,200 were right already"


def test_a_result_without_changes_says_so() -> None:
    result = PassResult(practitioner_id="a", practitioner="A", unchanged=3)
    assert formatting.written(result) == "nothing had to be written"


def test_a_plain_page_shows_markup_as_text() -> None:
    page = plain_page("<script>x</script>", "<b>&", links=[('/"><script>', "<i>")])
    assert "<script>" not in page
    assert "<b>" not in page
    assert "<i>" not in page
