"""The history of imports: who did what, and taking one back."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from companion.domain.appointments import Appointment
from companion.domain.errors import BadInput, NotFound
from companion.services.ports import BookChange, FeedDetail, FeedLink
from tests.samples.drafts import Counter, draft


@pytest.fixture
def desk() -> Counter:
    return Counter()


def plain(found: Iterable[Appointment]) -> list[Appointment]:
    """Without what rises at every change."""
    epoch = datetime(2000, 1, 1).astimezone()
    return [replace(each, revision=0, changed_at=epoch) for each in found]


async def newest(desk: Counter) -> int:
    return (await desk.history.recent(1))[0].id


async def test_undoing_takes_out_puts_back_and_brings_back(desk: Counter) -> None:
    await desk.take(*(draft(2 + n, id=str(n), at=9 + n) for n in range(8)))
    before = plain(await desk.all())
    moved = [draft(2 + n, id=str(n), at=9 + n + (n == 0)) for n in range(8) if n != 3]
    await desk.take(*moved, draft(20, id="99", at=18, who="Sam Lee"), snapshot=True)
    import_id = await newest(desk)
    shown = await desk.history.look_at(import_id)
    assert (shown.takes_out, shown.puts_back, shown.restores, shown.left) == (1, 1, 1, 0)
    assert shown.sentence == (
        "Undoing it takes out 1 appointment, puts back 1 appointment as before, brings back "
        "1 appointment."
    )
    assert plain(await desk.all()) != before, "looking changes nothing"
    await desk.history.undo(import_id, by="Robin")
    assert plain(await desk.all()) == before
    (record, _first) = await desk.history.recent()
    assert (record.undone_at, record.undone_by, record.by) == (desk.clock.now(), "Robin", "import")
    line = desk.activity.lines[-1]
    assert (line.kind, line.cause, line.count) == ("undo", "Robin", 3)


async def test_what_was_changed_since_stays_and_is_counted(desk: Counter) -> None:
    await desk.take(draft(2, id="1"), draft(3, id="2", at=10))
    import_id = await newest(desk)
    first, _second = await desk.all()
    edited = replace(first, notes="Ring first")
    await desk.book.apply(BookChange(put=[edited]), desk.clock.now())
    shown = await desk.history.undo(import_id, by="Robin")
    assert (shown.takes_out, shown.left) == (1, 1)
    assert "1 appointment changed since stay as they are" in shown.sentence
    assert [each.notes for each in await desk.all()] == ["Ring first"]


async def test_an_import_is_undone_once_and_only_where_it_did_something(desk: Counter) -> None:
    await desk.take(draft(id="1"))
    import_id = await newest(desk)
    await desk.history.undo(import_id, by="Robin")
    with pytest.raises(BadInput, match="undone already"):
        await desk.history.undo(import_id, by="Robin")
    with pytest.raises(NotFound):
        await desk.history.look_at(77)
    await desk.take(draft(id="1"))
    await desk.take(draft(id="1"))
    with pytest.raises(BadInput, match="changed nothing"):
        await desk.history.look_at(await newest(desk))


async def test_answers_and_names_are_taken_back_so_that_they_are_asked_anew(
    desk: Counter,
) -> None:
    await desk.take(draft(id="1"), source="by hand")
    rows = (draft(2, id="1"), draft(3, id="2", at=15, who="J Smith"))
    answers = {"same:by hand": "add", "practitioner:J Smith": "jo-smith"}
    await desk.take(*rows, source="folder", answers=answers)
    person = desk.settings.read().practitioners["jo-smith"].practitioner
    assert person.aliases == ("J Smith",)
    await desk.history.undo(await newest(desk), by="Robin")
    settings = desk.settings.read()
    assert settings.sources["folder"].answers == {}
    assert settings.practitioners["jo-smith"].practitioner.aliases == ()
    asked = {each.key for each in (await desk.take(*rows, source="folder")).questions}
    assert asked == set(answers)


async def test_people_whom_nobody_uses_go_with_the_import_that_made_them(desk: Counter) -> None:
    people = ("Jo Smith", "Sam Lee", "Anh Nguyen", "Priya Raman")
    await desk.take(*(draft(2 + n, id=str(n), who=who) for n, who in enumerate(people)))
    await desk.practitioners.edit("sam-lee", email="sam@example.com")
    link = FeedLink(
        id="f1",
        practitioner_id="anh-nguyen",
        label="Phone",
        detail=FeedDetail.BUSY,
        token_hash=b"x",
        created_at=desk.clock.now(),
        days_in_arrears=7,
        days_in_advance=60,
    )
    await desk.feeds.put(link)
    own = replace((await desk.all())[2], id="own-1", source="book", source_id="")
    await desk.book.apply(BookChange(put=[own]), desk.clock.now())
    await desk.history.undo(await newest(desk), by="Robin")
    assert set(desk.settings.read().practitioners) == {"sam-lee", "anh-nguyen", "priya-raman"}


async def test_imports_are_undone_one_after_the_other(desk: Counter) -> None:
    await desk.take(draft(id="1"))
    first = await newest(desk)
    await desk.take(draft(id="1", at=15))
    await desk.history.undo(await newest(desk), by="Robin")
    assert (await desk.history.undo(first, by="Robin")).takes_out == 1
    assert await desk.all() == []


async def test_all_of_a_source_can_be_removed_and_brought_back(desk: Counter) -> None:
    await desk.take(*(draft(2 + n, id=str(n), at=9 + n) for n in range(3)))
    await desk.take(draft(id="x", at=18), source="other")
    before = plain(await desk.all())
    assert await desk.history.brought_by("pms") == 3
    assert await desk.history.remove_source("pms", by="Robin") == 3
    assert [each.source for each in await desk.all()] == ["other"]
    record = (await desk.history.recent())[0]
    assert (record.file_name, record.by, record.removed) == ("", "Robin", 3)
    assert await desk.history.remove_source("pms", by="Robin") == 0
    assert (await desk.history.undo(record.id, by="Robin")).restores == 3
    assert plain(await desk.all()) == before


async def test_a_number_that_another_appointment_bears_now_is_not_given_back(
    desk: Counter,
) -> None:
    await desk.take(draft(id="1"))
    await desk.history.remove_source("pms", by="Robin")
    removal = await newest(desk)
    await desk.take(draft(id="2", at=18))
    (other,) = await desk.all()
    renumbered = replace(other, source_id="1")
    await desk.book.apply(BookChange(put=[renumbered]), desk.clock.now())
    shown = await desk.history.undo(removal, by="Robin")
    assert (shown.restores, shown.left) == (0, 1)


async def test_the_history_can_be_of_one_source(desk: Counter) -> None:
    for source in ("pms", "other", "pms"):
        desk.clock.shift(timedelta(minutes=1).total_seconds())
        await desk.take(draft(id=source, at=10 + len(source)), source=source)
    assert [each.source for each in await desk.history.recent(5)] == ["pms", "other", "pms"]
    assert [each.source for each in await desk.history.recent(1, "other")] == ["other"]


async def test_appointments_of_somebody_who_is_gone_do_not_come_back(desk: Counter) -> None:
    await desk.take(draft(id="1"), draft(2, id="2", who="Sam Lee"))
    await desk.history.remove_source("pms", by="Robin")
    await desk.practitioners.remove("sam-lee")
    shown = await desk.history.undo(await newest(desk), by="Robin")
    assert (shown.restores, shown.left) == (1, 1)
    assert await desk.book.count() == 1
