"""Links of calendars: sealed, checked, taken over from an export, fetched in the background."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from companion.domain.errors import BadInput, SourceUnreachable
from companion.domain.settings import RemoteSettings
from companion.services.sources.fetched_sources import filled
from companion.services.sources.remote import SourceField, SourceKind
from tests.fakes.fetching_clinic import FOUR, HOST, LINK, Clinic, at, calendar, entry


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic(tmp_path)


async def test_the_link_is_sealed_and_never_said(clinic: Clinic) -> None:
    await clinic.open()
    await clinic.fetch()
    clinic.links.trouble[LINK] = SourceUnreachable(f"{HOST} refuses the link.")
    await clinic.fetch()
    assert "private-3f9a" not in await clinic.all_text()
    assert [*clinic.application.secrets.kept.values()].count(LINK) == 1
    await clinic.services.sources.remove("books")
    assert LINK not in clinic.application.secrets.kept.values()


async def test_a_link_that_came_with_settings_of_another_computer_is_asked_for(
    clinic: Clinic,
) -> None:
    await clinic.open()
    clinic.application.secrets.kept.clear()
    assert "Give its link, key or password again" in str((await clinic.fetch()).error)


@pytest.mark.parametrize(
    "link",
    [
        "http://calendar.example/x.ics",
        "ftp://x/y",
        "https://",
        "calendar.example/x.ics",
        "",
        "a\nb",
    ],
)
async def test_a_link_that_is_none_or_not_secure_is_refused_unrepeated(
    clinic: Clinic, link: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await clinic.services.fetched_sources.add("books", at(link))
    assert refused.value.field == "secret"
    assert link in {"", "https://"} or link not in str(refused.value)


async def test_webcal_means_https_and_an_empty_link_keeps_the_one_there_is(clinic: Clinic) -> None:
    await clinic.services.fetched_sources.add(
        "books", at(f"webcal://{LINK.removeprefix('https://')}")
    )
    assert clinic.application.secrets.kept["source/books"] == LINK
    changed = await clinic.services.fetched_sources.add("books", at(""), every=timedelta(hours=1))
    assert changed.remote == RemoteSettings(kind="link", place=HOST, every=timedelta(hours=1))
    assert clinic.application.secrets.kept["source/books"] == LINK


async def test_a_practice_that_goes_over_from_an_export_to_a_link_has_no_double(
    clinic: Clinic, tmp_path: Path
) -> None:
    await clinic.services.practitioners.add("Jo Smith")
    export = tmp_path / "export.csv"
    rows = "".join(
        f"{n},0{day}/12/2026 09:00,45,Jo Smith,Entry {uid}\n"
        for n, (uid, day) in enumerate(zip("abc", (7, 8, 9), strict=True))
    )
    export.write_text(f"Id,Start,Length,Practitioner,Title\n{rows}", encoding="utf-8")
    importing = clinic.services.importing
    preview = await importing.preview(export, source="books")
    await importing.apply(preview, yes=True)
    before = {
        e.appointment_id for e in (await clinic.application.book.source_rows("books")).values()
    }
    assert len(before) == 3
    clinic.links.calendars[LINK] = calendar(*FOUR)
    await clinic.services.fetched_sources.add("books", at(LINK))
    held = (await clinic.fetch()).report
    assert held is not None
    assert [each.key for each in held.questions] == ["same:books"]
    outcome = await clinic.services.fetched_sources.sync(
        "books", answers={"same:books": "take_over"}
    )
    assert outcome.report is not None
    assert (outcome.report.held, outcome.report.added, outcome.report.removed) == (False, 1, 0)
    rows_now = await clinic.application.book.source_rows("books")
    after = {each.appointment_id for each in rows_now.values()}
    assert before < after
    assert len(after) == 4


async def test_the_background_fetches_what_is_due_and_goes_on_after_an_error(
    clinic: Clinic,
) -> None:
    await clinic.open()
    running = asyncio.create_task(clinic.services.watching.run())
    while len(await clinic.book()) < 4:
        await clinic.clock.advance(1)
    clinic.application.secrets.trouble = None
    clinic.links.calendars[LINK] = calendar(entry("a", 7, 16), *FOUR[1:])
    await clinic.clock.advance(900)
    while (await clinic.book())["a"] != "07 16:00":
        await clinic.clock.advance(1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_source_that_was_stopped_in_between_is_no_error(clinic: Clinic) -> None:
    await clinic.open()
    await clinic.services.sources.stop("books")
    await clinic.look()
    assert (await clinic.note()).trouble == ""


KIND = SourceKind(
    name="pigeons",
    title="Pigeons",
    about="They come.",
    secret=SourceField(name="secret", label="Whistle"),
    fields=(
        SourceField(name="loft", label="Loft", hint="Where they live."),
        SourceField(name="colour", label="Colour", default="grey", choices={"grey": "Grey"}),
    ),
)


def test_fields_left_empty_are_as_usual() -> None:
    assert filled(KIND, {"loft": " North "}) == {"loft": "North", "colour": "grey"}


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({}, "loft"),
        ({"loft": "North", "colour": "pink"}, "colour"),
        ({"loft": "North", "wings": "2"}, "field"),
    ],
)
def test_what_a_kind_does_not_know_or_lacks_is_named(typed: dict[str, str], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        filled(KIND, typed)
    assert refused.value.field == field


async def test_a_first_fetch_that_takes_long_does_not_put_off_what_changes_next(
    clinic: Clinic,
) -> None:
    await clinic.open(every=timedelta(minutes=5))
    clinic.links.takes = lambda: clinic.clock.shift(90)
    await clinic.look()
    clinic.links.takes = lambda: None
    clinic.links.calendars[LINK] = calendar(*FOUR[1:], entry("a", 7, 11))
    await clinic.clock.advance(300)
    await clinic.look()
    assert (await clinic.book())["a"] == "07 11:00"


async def test_one_that_always_takes_long_is_asked_less_often(clinic: Clinic) -> None:
    clinic.links.tags = False
    await clinic.open(every=timedelta(minutes=5))
    clinic.links.takes = lambda: clinic.clock.shift(90)
    await clinic.look()
    await clinic.clock.advance(600)
    await clinic.look()
    assert len(clinic.links.requests) == 1
    await clinic.clock.advance(301)
    await clinic.look()
    assert len(clinic.links.requests) == 2
