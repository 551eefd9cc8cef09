"""What comes into the book from a file, and what has happened lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from companion.commands.import_reports import (
    explanation_json,
    explanation_words,
    import_json,
    import_words,
    question_words,
)
from companion.commands.running import (
    DONE,
    HELD,
    Json,
    command,
    named,
    names_of,
)
from companion.console import as_json, err, operator, out
from companion.domain.differences import when
from companion.domain.errors import BadInput
from companion.services.files import write_file

if TYPE_CHECKING:
    from companion.domain.settings import Settings
    from companion.services.assembly import Application
    from companion.services.imports.importing import ImportPreview
    from companion.services.ports import Activity

app = typer.Typer()
Answers = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Answer a question that the file leaves open."),
]


@command(app, "import", who="an import")
async def import_file(  # noqa: PLR0913, PLR0917 - Typer reads the options from the parameters
    application: Application,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    source: Annotated[str | None, typer.Option(help="Name of the source.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="Mapping file (TOML).")] = None,
    snapshot: Annotated[
        bool | None,
        typer.Option("--snapshot/--changes", help="The file is whole, or only changes."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show, change nothing.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Take the guesses; also when many would be removed.")
    ] = False,
    answer: Answers = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how the file would be read, change nothing.")
    ] = False,
    save_mapping: Annotated[
        Path | None,
        typer.Option(metavar="MAPPING", help="Keep how it was read as a mapping file (TOML)."),
    ] = None,
    json: Json = False,
) -> int:
    """Take a practice-software export into the book."""

    from companion.services.imports.questions import with_guesses
    from companion.services.imports.reading.asking import answers_of

    answers = answers_of(answer or ())
    importing = application.importing
    waiting = await application.sources.owner(file)
    preview = await importing.preview(
        file,
        source=source or (waiting[0].name if waiting else None),
        mapping=text_of(mapping),
        snapshot=waiting[0].snapshot if waiting and snapshot is None else snapshot,
        answers=answers,
    )
    if yes:
        guessed = with_guesses(preview.questions, preview.answers)
        preview = await importing.reconsider(preview, answers=guessed)
    if save_mapping is not None:
        write_file(save_mapping, preview.reading.mapping.encode())
    if explain:
        _explain(preview, application.settings.read(), json=json)
        return DONE
    held = bool(preview.open) or (bool(preview.held) and not yes)
    if dry_run or held:
        _show(preview, held=held, json=json)
        return HELD if held else DONE
    report = await importing.apply(preview, yes=yes, cause=operator())
    if waiting and not report.held:
        await application.sources.resolved(*waiting)
    if json:
        as_json(import_json(report, report.questions, held=report.held))
    else:
        import_words(report, dry_run=report.held)
    if report.held:
        err.print(f"{report.why_held}\nNothing was changed.")
    return HELD if report.held else DONE


def _explain(preview: ImportPreview, settings: Settings, *, json: bool) -> None:
    from companion.services.imports.explanation import explain

    found = explain(preview, settings)
    if json:
        as_json(explanation_json(found))
    else:
        explanation_words(found)


def _show(preview: ImportPreview, *, held: bool, json: bool) -> None:
    """What it would do, and what keeps it from being done."""
    if json:
        as_json(import_json(preview, preview.open, held=held))
    else:
        import_words(preview, dry_run=True)
    if preview.open:
        err.print(question_words(preview.open))
    if preview.held and held:
        err.print(f"{preview.held}\nNothing was changed. If this is right, add --yes.")


def text_of(file: Path | None, what: str = "mapping") -> str | None:
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"The {what} file {file.name} cannot be read.",
            "Check its name; it must be a text file in UTF-8.",
            field="mapping",
        ) from error


@command(app)
async def activity(
    application: Application,
    practitioner: Annotated[str, typer.Option(help="Only of this one: name or id.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Everything, as a table.")
    ] = None,
    json: Json = False,
) -> None:
    """What was written to Google, imported and connected: when, why, how many."""

    from companion.services.activity_csv import EVERYTHING, activity_csv

    person = named(application, practitioner).id if practitioner else None
    everything = csv_file is not None
    lines = await application.activity.recent(EVERYTHING if everything else limit, person)
    zone = application.settings.read().practice.timezone
    if csv_file is not None:
        write_file(csv_file, activity_csv(lines, names_of(application), zone))
        err.print(f"{len(lines)} lines written to {csv_file}")
    if json:
        as_json({"activity": [activity_json(each, names_of(application)) for each in lines]})
    elif csv_file is None:
        activity_words(lines, names_of(application), zone)


def activity_json(line: Activity, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "at": line.at,
        "practitioner": names.get(line.practitioner_id, line.practitioner_id),
        "practitioner_id": line.practitioner_id,
        "cause": line.cause,
        "kind": line.kind,
        "count": line.count,
        "text": line.text,
    }


def activity_words(lines: Sequence[Activity], names: Mapping[str, str], timezone: str) -> None:
    if not lines:
        out.print("Nothing has happened yet.")
    for line in lines:
        who = names.get(line.practitioner_id, "Practice")
        out.print(f"{when(line.at, timezone)}  {who}: {line.text} ({line.cause})")
