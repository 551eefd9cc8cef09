"""One appointment, one identity: under another id, from another source, twice in one file."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from companion.services.imports.drafts import Draft
from companion.services.ports import BookChange
from tests.samples.drafts import FIRST, HALF, Counter, draft


@pytest.fixture
def desk() -> Counter:
    return Counter()


def three(**changes: Any) -> list[Draft]:
    """At 9, 10 and 11 o'clock, with ids of five digits."""
    return [draft(2 + n, id=f"0012{n}", at=9 + n, **changes) for n in range(3)]


# ── the same appointment under another id or source ───────────────────────────────────────────


async def test_the_same_file_from_another_source_is_asked_about_and_not_doubled(
    desk: Counter,
) -> None:
    await desk.take(*three(), source="Front desk")
    report = await desk.take(*three(), source="bp-allied")
    assert (report.held, report.why_held) == (
        True, "One question is open, about appointments that are in the book already.",
    )  # fmt: skip
    (question,) = report.questions
    assert (question.key, question.guess, question.count) == ("same:Front desk", "skip", 3)
    assert [each.value for each in question.choices] == ["skip", "take_over", "add"]
    assert "bp-allied" not in desk.settings.read().sources
    report = await desk.take(*three(), source="bp-allied", answers={"same:Front desk": "skip"})
    assert (report.held, report.added, report.unchanged) == (False, 0, 3)
    assert len(await desk.all()) == 3


async def test_an_answer_is_kept_and_not_asked_for_again(desk: Counter) -> None:
    await desk.take(*three(), source="Front desk")
    await desk.take(*three(), source="folder", answers={"same:front DESK": "skip"})
    report = await desk.take(*three(), source="folder")
    assert (report.held, report.unchanged) == (False, 3)
    assert desk.settings.read().sources["folder"].answers == {"same:Front desk": "skip"}


async def test_the_guess_is_taken_by_yes(desk: Counter) -> None:
    await desk.take(*three(), source="Front desk")
    assert not (await desk.take(*three(), source="folder", yes=True)).held
    assert len(await desk.all()) == 3


async def test_what_is_taken_over_keeps_its_identity_and_is_kept_up_to_date(
    desk: Counter,
) -> None:
    await desk.take(*three(), source="by hand")
    before = await desk.all()
    taken = {"same:by hand": "take_over"}
    report = await desk.take(*three(), source="folder", answers=taken)
    assert (report.added, report.changed) == (0, 3)
    after = await desk.all()
    assert [each.id for each in after] == [each.id for each in before]
    assert {each.source for each in after} == {"folder"}
    moved = [*three()[:2], draft(4, id="00122", at=15)]
    report = await desk.take(*moved, source="folder")
    assert (report.held, report.changed, report.unchanged) == (False, 1, 2)
    assert [each.start.hour for each in await desk.all()] == [9, 10, 15]


async def test_what_was_taken_over_is_not_written_over_by_its_former_source(
    desk: Counter,
) -> None:
    await desk.take(*three(), source="by hand")
    await desk.take(*three(), source="folder", answers={"same:by hand": "take_over"})
    report = await desk.take(*three(), source="by hand", answers={"same:folder": "add"})
    assert (report.added, report.changed) == (3, 0)
    found = await desk.all()
    assert len({each.id for each in found}) == 6
    assert [each.source for each in found].count("folder") == 3


async def test_others_at_the_same_time_may_be_added(desk: Counter) -> None:
    await desk.take(*three(), source="Front desk")
    report = await desk.take(*three(), source="bp", answers={"same:Front desk": "add"})
    assert report.added == 3
    assert (await desk.take(*three(), source="bp")).unchanged == 3
    assert len(await desk.all()) == 6
    more = draft(9, id="00129", at=16)
    await desk.take(more, source="Front desk")
    assert (await desk.take(more, source="bp")).questions, "it was said of the first three alone"


@pytest.mark.parametrize(
    "other",
    [
        {"client": "Ben Example"},
        {"who": "Sam Lee"},
        {"at": FIRST + timedelta(minutes=5)},
    ],
)
async def test_another_client_practitioner_or_time_is_another_appointment(
    desk: Counter, other: dict[str, Any]
) -> None:
    await desk.take(draft(id="1"), draft(id="2", at=14, who="Sam Lee"), source="north")
    report = await desk.take(draft(id="9", **other), source="south")
    assert (report.held, report.added) == (False, 1)


async def test_the_clients_name_may_be_spelt_in_another_order(desk: Counter) -> None:
    await desk.take(draft(id="1"), source="north")
    swapped = draft(id="9", client_first_name="EXAMPLE", client_last_name="ada")
    assert (await desk.take(swapped, source="south")).questions


async def test_without_a_client_end_and_type_must_agree(desk: Counter) -> None:
    lunch = draft(id="1", client="", appointment_type="Lunch")
    await desk.take(lunch, source="north")
    longer = draft(id="1", client="", appointment_type="Lunch", end=FIRST + 2 * HALF)
    assert (await desk.take(longer, source="south")).added == 1
    assert (await desk.take(lunch, source="west")).questions


async def test_a_calendar_with_the_client_in_its_title_is_asked_about(desk: Counter) -> None:
    await desk.take(draft(id="1"), source="pms")
    entry = draft(id="u-1", client="", title="Physio: EXAMPLE Ada", appointment_type="")
    (question,) = (await desk.take(entry, source="calendar")).questions
    assert question.key == "same:pms"
    other = draft(id="u-2", client="", title="Ada Brook", appointment_type="")
    assert (await desk.take(other, source="calendar")).added == 1
    desk = Counter()
    await desk.take(entry, source="calendar")
    assert (await desk.take(draft(id="1"), source="pms")).questions


async def test_a_free_time_that_was_booked_again_is_a_new_appointment(desk: Counter) -> None:
    await desk.take(draft(id="1", cancelled=True))
    report = await desk.take(draft(id="7"))
    assert (report.held, report.added) == (False, 1)
    assert len(await desk.live()) == 1


async def test_ids_that_lost_their_zeros_are_asked_about(desk: Counter) -> None:
    await desk.take(*three())
    bare = [draft(2 + n, id=f"12{n}", at=9 + n) for n in range(3)]
    report = await desk.take(*bare)
    (question,) = report.questions
    assert (question.key, question.count) == ("same:pms", 3)
    assert "00120 there" in question.example
    report = await desk.take(*bare, answers={"same:pms": "skip"})
    assert (report.added, report.unchanged) == (0, 3)
    assert len(await desk.all()) == 3


async def test_an_id_without_its_zeros_is_known_when_its_appointment_has_moved(
    desk: Counter,
) -> None:
    await desk.take(*three())
    moved = [draft(2, id="120", at=15), draft(3, id="121", at=10)]
    report = await desk.take(*moved, answers={"same:pms": "skip"})
    assert (report.added, report.unchanged) == (0, 2)
    (kept,) = report.kept
    assert (kept.count, "another time" in kept.why) == (1, True)
    report = await desk.take(*moved, answers={"same:pms": "take_over"})
    assert (report.added, report.changed) == (0, 2)
    assert [each.start.hour for each in await desk.all()] == [10, 11, 15]


async def test_what_is_skipped_is_not_missing_from_a_whole_file(desk: Counter) -> None:
    await desk.take(*three())
    bare = [draft(2 + n, id=f"12{n}", at=9 + n) for n in range(3)]
    report = await desk.take(*bare, snapshot=True, answers={"same:pms": "skip"})
    assert (report.removed, report.held) == (0, False)


async def test_an_appointment_of_our_own_book_is_asked_about(desk: Counter) -> None:
    await desk.take(draft(id="1"))
    (kept,) = await desk.all()

    own = replace(kept, id="own-1", source="book", source_id="")
    await desk.book.apply(BookChange(put=[own], remove=[kept.id]), desk.clock.now())
    (question,) = (await desk.take(draft(id="1"))).questions
    assert (question.key, "Appointment Book screen" in question.text) == ("same:book", True)
