"""Titles of a calendar: what they are made of is said once, and names are names from then on."""

from __future__ import annotations

from pathlib import Path

import pytest

from companion.domain.appointments import Appointment, AppointmentKind
from companion.domain.errors import BadInput
from companion.services.imports.mappings import check_mapping
from companion.services.imports.reading.title_parts import checked_titles
from tests.samples.import_bench import ImportBench


def calendar(*titles: str) -> bytes:
    entries = "".join(
        f"BEGIN:VEVENT\r\nUID:{number}\r\nDTSTART:202612{number:02}T000000Z\r\nDURATION:PT45M\r\n"
        f"SUMMARY:{title}\r\nCATEGORIES:Clinic\r\nORGANIZER;CN=Jo Smith:mailto:x@y\r\n"
        "END:VEVENT\r\n"
        for number, title in enumerate(titles, 7)
    )
    return f"BEGIN:VCALENDAR\r\n{entries}END:VCALENDAR\r\n".encode()


async def taken(tmp_path: Path, content: bytes, **answers: str) -> list[Appointment]:
    bench = ImportBench(tmp_path)
    person = await bench.practitioners.add("Jo Smith")
    given = {"practitioner:*": person.id, **answers}
    report = await bench.take(content, source="books", answers=given)
    assert not report.held
    found = await bench.all("books")
    return [found[key] for key in sorted(found, key=int)]


async def test_a_client_and_a_type_are_told_apart_and_other_titles_stay(tmp_path: Path) -> None:
    content = calendar("Mira Halloway - Review", "Lunch", "Lee-Ann Smith-Jones — Initial visit")
    first, lunch, last = await taken(tmp_path, content, titles="{client_name} - {type}")
    assert (first.client_first_name, first.client_last_name) == ("Mira", "Halloway")
    assert (first.appointment_type, first.title, first.kind) == (
        "Review", "", AppointmentKind.CLIENT,
    )  # fmt: skip
    assert (lunch.title, lunch.appointment_type, lunch.client_last_name) == ("Lunch", "Clinic", "")
    assert (last.client_last_name, last.appointment_type) == ("Smith-Jones", "Initial visit")


async def test_the_first_of_several_patterns_that_fits_counts(tmp_path: Path) -> None:
    content = calendar("Review: Mira Halloway (00012)", "Mira Halloway")
    patterns = "{type}: {client_name} ({client_id}) | {client_name}"
    first, second = await taken(tmp_path, content, titles=patterns)
    assert (first.client_id, first.appointment_type) == ("00012", "Review")
    assert (second.client_first_name, second.title) == ("Mira", "")


async def test_a_number_behind_a_name_leaves_it_whole(tmp_path: Path) -> None:
    (one,) = await taken(
        tmp_path, calendar("Mira Halloway 00012"), titles="{client_name} {client_id}"
    )
    assert (one.client_last_name, one.client_id) == ("Halloway", "00012")


async def test_the_answer_is_kept_with_the_source(tmp_path: Path) -> None:
    bench = ImportBench(tmp_path)
    person = await bench.practitioners.add("Jo Smith")
    answers = {"practitioner:*": person.id, "titles": "{client_name} - {type}"}
    await bench.take(calendar("Mira Halloway - Review"), source="books", answers=answers)
    again = await bench.preview(calendar("Ada Byron - Review", "x"), source="books")
    assert again.content.drafts[0].appointment.client_last_name == "Byron"
    assert again.open == ()


async def test_a_mapping_says_it_too_with_whose_by_the_organiser(tmp_path: Path) -> None:
    bench = ImportBench(tmp_path)
    await bench.practitioners.add("Jo Smith")
    mapping = (
        'titles = ["{client_name} - {type}"]\n[columns]\nid = "UID"\nstart = "DTSTART"\n'
        'end = "DTEND"\ntitle = "SUMMARY"\npractitioner = "ORGANIZER"\n'
    )
    preview = await bench.preview(calendar("Mira Halloway - Review"), mapping=mapping)
    draft = preview.content.drafts[0]
    assert (draft.name, draft.appointment.client_last_name) == ("Jo Smith", "Halloway")


@pytest.mark.parametrize(
    "pattern", ["", "Review", "{client}", "{type} {type}", "{type", "{client name} - {type}"]
)
def test_a_pattern_that_says_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(BadInput) as refused:
        checked_titles([pattern])
    assert refused.value.field == "titles"
    with pytest.raises(BadInput):
        check_mapping(
            f'titles = "{pattern}"\n[columns]\nstart = "A"\nend = "B"\npractitioner = "C"'
        )


@pytest.mark.parametrize("dash", "-\u2010\u2011\u2012–—―−")
async def test_a_dash_of_any_kind_parts_a_title(tmp_path: Path, dash: str) -> None:
    content = calendar(f"Mira Halloway {dash} Review")
    (one,) = await taken(tmp_path, content, titles="{client_name} - {type}")
    assert (one.client_last_name, one.appointment_type) == ("Halloway", "Review")


async def test_a_bar_may_stand_in_titles_themselves(tmp_path: Path) -> None:
    content = calendar("Review | Mira Halloway", "Ada Byron")
    patterns = r"{type} \| {client_name} | {client_name}"
    first, second = await taken(tmp_path, content, titles=patterns)
    assert (first.appointment_type, first.client_last_name) == ("Review", "Halloway")
    assert second.client_last_name == "Byron"
    with pytest.raises(BadInput, match="alone fits every title"):
        await taken(tmp_path, content, titles="{type} | {client_name}")
