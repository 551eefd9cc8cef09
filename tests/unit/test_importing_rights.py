"""Who may add practitioners and aliases by an import: those who may add practitioners at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from companion.domain.users import Role, User
from companion.services.access.gate import gated
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.imports.history import ImportHistory
from companion.services.imports.importing import Importing, ImportReport
from companion.services.imports.reading.asking import EVERYBODY
from tests.fakes.stores import MemoryFeeds
from tests.samples.exports import allied, csv_bytes
from tests.samples.import_bench import ImportBench

ROBIN = User(id="robin", name="Robin", role=Role.ADMINISTRATOR)
KIM = User(id="kim", name="Kim", role=Role.RECEPTION)
KNOWN = csv_bytes([allied(0, Practitioner="Tamsin Oakley")])
SOMEBODY_NEW = csv_bytes([allied(1, Practitioner="Rufus Bell")])
_HEAD = "Id,Provider,Start,End,Patient name,Status\n"
ASKS = f"{_HEAD}1,Rufus Bell,30/11/2026 9:00,30/11/2026 9:30,Robin Sample,Zorp\n".encode()
ASKS_FOR_ALL = ASKS.replace(b"Rufus Bell", b"")
ZORP = {"status:Zorp": "cancelled"}
ALIKE = csv_bytes([allied(2, Practitioner="T. Oakley")])


def as_user(bench: ImportBench, user: User) -> Importing:
    return gated(bench.importing, lambda: user)


async def take(bench: ImportBench, user: User, content: bytes, **answers: str) -> ImportReport:
    importing = as_user(bench, user)
    path = bench.file(content)
    shown = await importing.preview(path, answers=answers)
    return await importing.apply(shown, answers=answers, cause=user.name)


@pytest.fixture
async def bench(tmp_path: Path) -> ImportBench:
    """An administrator has imported Tamsin Oakley's appointments."""
    bench = ImportBench(tmp_path)
    assert len((await take(bench, ROBIN, KNOWN)).created) == 1
    return bench


def people(bench: ImportBench) -> dict[str, tuple[str, ...]]:
    """Names, each with its aliases."""
    every = bench.settings.read().practitioners.values()
    return {each.practitioner.name: each.practitioner.aliases for each in every}


async def test_reception_imports_for_known_practitioners(bench: ImportBench) -> None:
    again = csv_bytes([allied(0, Practitioner="Tamsin Oakley", Notes="Bring shoes")])
    report = await take(bench, KIM, again)
    assert (report.held, report.changed) == (False, 1)


async def test_somebody_new_waits_for_an_administrator_with_the_answers(
    bench: ImportBench,
) -> None:
    before, book = people(bench), await bench.book.count()
    assert (await take(bench, ROBIN, ASKS)).questions
    report = await take(bench, KIM, ASKS, **ZORP)
    assert report.held
    assert "Ask an administrator" in report.why_held
    assert (people(bench), await bench.book.count()) == (before, book)
    assert "waits for a person" in bench.activity.lines[-1].text
    assert "Rufus" not in bench.activity.lines[-1].text
    report = await take(bench, ROBIN, ASKS)
    assert not report.questions, "the meaning of the word is not asked again"
    assert [each.name for each in report.created] == ["Rufus Bell"]


@pytest.mark.parametrize("answer", ["tamsin-oakley", "new"])
async def test_an_answer_about_a_name_makes_neither_an_alias_nor_somebody(
    bench: ImportBench, answer: str
) -> None:
    before = people(bench)
    report = await take(bench, KIM, ALIKE, **{"practitioner:T. Oakley": answer})
    assert report.held
    assert people(bench) == before
    source = bench.settings.read().sources["bp-allied"]
    assert not [key for key in source.answers if key.startswith("practitioner:")]
    report = await take(bench, ROBIN, ALIKE, **{"practitioner:T. Oakley": answer})
    assert not report.held
    assert people(bench) != before


async def test_whose_a_file_is_that_names_nobody_makes_nobody(tmp_path: Path) -> None:
    bench = ImportBench(tmp_path)
    given = ZORP | {EVERYBODY: "Tamsin Oakley"}
    report = await take(bench, KIM, ASKS_FOR_ALL, **given)
    assert report.held
    assert people(bench) == {}
    (source,) = bench.settings.read().sources.values()
    assert source.answers == ZORP, "the next file is not theirs by reception's word"
    assert not (await take(bench, ROBIN, ASKS_FOR_ALL, **given)).held
    assert [*people(bench)] == ["Tamsin Oakley"]


async def test_the_argument_itself_gives_reception_no_right(bench: ImportBench) -> None:
    importing = as_user(bench, KIM)
    shown = await importing.preview(bench.file(SOMEBODY_NEW))
    report = await importing.apply(shown, yes=True, release=True, people_too=True)
    assert report.held
    assert "Rufus Bell" not in people(bench)


async def test_reception_undoes_an_import_and_leaves_its_people(bench: ImportBench) -> None:
    history = ImportHistory(
        book=bench.book,
        settings=bench.settings,
        practitioners=bench.practitioners,
        feeds=MemoryFeeds(),
        activity=bench.activity,
        clock=bench.clock,
    )
    (record,) = await bench.book.imports(1)
    await gated(history, lambda: KIM).undo(record.id, by="Kim")
    assert await bench.book.count() == 0
    assert "Tamsin Oakley" in people(bench)


def test_a_further_right_names_an_argument_there_is() -> None:
    with pytest.raises(TypeError, match="cannot leave out"):

        @allows(Action.IMPORT, further={"misspelt": Action.PRACTITIONERS})
        async def apply(self: object, *, people_too: bool) -> None: ...
