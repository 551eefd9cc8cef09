"""Import cases: exports of practice software, and the appointments that they mean.

``imports/expected.json`` says for each case which files are imported in turn into an empty book,
which questions have to be asked and which may be, the answers, and then what is live and what is
not. A case is right when its book is so; whatever a file leaves open must have been asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from companion.domain.appointments import Appointment, interval
from companion.services.imports.importing import ImportPreview
from companion.services.imports.questions import Question
from tests.fakes.clock import FakeClock
from tests.samples.import_bench import ImportBench

FOLDER = Path(__file__).parent / "imports"
Case = dict[str, Any]


def cases() -> list[Case]:
    document = json.loads((FOLDER / "expected.json").read_text("utf-8"))
    found: list[Case] = document["cases"]
    return found


@dataclass
class Outcome:
    asked: list[str]
    """Keys of all questions that had to be answered, in the order asked."""
    waited: bool
    """The last file was not taken in."""
    faults: list[str]


@dataclass(frozen=True)
class Shown:
    """One appointment as a calendar would show it, with full names."""

    who: str
    person: str
    start: str
    end: str
    words: str


async def run_case(case: Case, folder: Path) -> Outcome:
    """Import the files as a person would: look, answer what is asked, apply."""
    bench = ImportBench(folder, clock=FakeClock(datetime(2026, 11, 29, 1, 0, tzinfo=UTC)))
    for name in case["setup"]:
        await bench.practitioners.add(name)
    outcome = Outcome(asked=[], waited=False, faults=[])
    for step in case["steps"]:
        await _step(bench, step, outcome)
    shown = await _shown(bench)
    outcome.faults += _compared(case, shown)
    return outcome


async def _step(bench: ImportBench, step: dict[str, Any], outcome: Outcome) -> None:
    given: dict[str, str] = {}
    asked: set[str] = set()
    source = step["args"][1] if "--source" in step["args"] else None
    path = FOLDER / step["file"]
    while True:
        try:
            preview = await bench.importing.preview(
                path,
                source=source,
                snapshot=True if "--snapshot" in step["args"] else None,
                answers=given,
            )
        except Exception as error:  # noqa: BLE001 - any refusal is compared with the case
            outcome.waited = True
            if not step["refuse_ok"]:
                outcome.faults.append(f"{step['file']} was refused: {error}")
            return
        if not preview.open:
            break
        await _answer(bench, preview, step, given, asked)
    outcome.asked += sorted(asked)
    outcome.faults += [
        f"not asked: {wanted}"
        for wanted in step["must"]
        if not any(_matches(key, wanted) for key in asked)
    ]
    expected = [*step["must"], *step["may"]]
    beyond = [key for key in asked if not any(_matches(key, each) for each in expected)]
    if len(beyond) > 2:
        outcome.faults.append(f"asked too much: {beyond}")
    report = await bench.importing.apply(preview)
    outcome.waited = report.held
    if step["stop"] == "must" and not report.held:
        outcome.faults.append(f"{step['file']} should have waited")
    if report.held and step["stop"] is None:
        outcome.faults.append(f"{step['file']} was held: {report.why_held}")
    for name, count in step["counts"].items():
        if getattr(report, name, None) != count:
            outcome.faults.append(f"{name}: {getattr(report, name, None)}, not {count}")


async def _answer(
    bench: ImportBench,
    preview: ImportPreview,
    step: dict[str, Any],
    given: dict[str, str],
    asked: set[str],
) -> None:
    for question in preview.open:
        asked.add(question.key)
        wanted = next(
            (
                answer
                for pattern, answer in step["answers"].items()
                if _matches(question.key, pattern)
            ),
            "@guess",
        )
        given[question.key] = _said(bench, question, wanted)


def _said(bench: ImportBench, question: Question, wanted: str) -> str:
    if wanted == "@guess":
        return question.guess
    if not wanted.startswith("@"):
        return wanted
    name = wanted[1:]
    known = bench.settings.read().practitioners.values()
    found = [each.practitioner.id for each in known if each.practitioner.matches_name(name)]
    # Nobody is created before every question is answered: then the choice says the id to come.
    return (
        found[0]
        if found
        else next(each.value for each in question.choices if name in {each.value, each.label})
    )


def _matches(key: str, pattern: str) -> bool:
    return key == pattern or fnmatchcase(key.casefold(), pattern.casefold())


async def _shown(bench: ImportBench) -> list[Shown]:
    people = bench.settings.read().practitioners
    found = []
    for record in people.values():
        person = record.practitioner
        listed = await bench.book.appointments(
            person.id,
            datetime(2020, 1, 1),  # noqa: DTZ001 - wall time
            datetime(2040, 1, 1),  # noqa: DTZ001 - wall time
        )
        found += [
            Shown(person.name, person.id, *_when(each), _words(each))
            for each in listed
            if not each.cancelled
        ]
    return found


def _when(each: Appointment) -> tuple[str, str]:
    if each.all_day:
        return each.start.date().isoformat(), each.end.date().isoformat()
    start, end = interval(each.start, each.end, each.timezone)
    return f"{start:%Y-%m-%dT%H:%MZ}", f"{end:%Y-%m-%dT%H:%MZ}"


def _words(each: Appointment) -> str:
    return f"{each.client_name} {each.title} {each.appointment_type} {each.notes}"


def _compared(case: Case, shown: list[Shown]) -> list[str]:
    faults = []
    left = sorted(shown, key=lambda each: (each.start, each.end))
    for wanted in case["live"]:
        least, most = wanted.get("count", [1, 1])
        found = [each for each in left if _is(each, wanted)][:most]
        if len(found) < least:
            faults.append(f"missing: {wanted}")
        for each in found:
            left.remove(each)
    for wanted in case["maybe"]:
        for each in [each for each in left if _is(each, wanted)][:1]:
            left.remove(each)
    for wanted in case["dead"]:
        faults += [f"shown: {each}" for each in shown if _is(each, wanted)]
    faults += [f"too much: {each}" for each in left]
    faults += [f"{word} is shown" for word in case["never"] for each in shown if word in each.words]
    return faults


def _is(each: Shown, wanted: dict[str, Any]) -> bool:
    return (
        any(
            each.who == name.partition("#")[0] and name.partition("#")[2] in {"", each.person}
            for name in wanted["who"]
        )
        and each.start in _any(wanted["start"])
        and each.end in _any(wanted["end"])
        and all(word in each.words for word in wanted["words"])
    )


def _any(value: str | list[str]) -> Iterable[str]:
    return [value] if isinstance(value, str) else value
