"""Where appointments come from by themselves: folders that are watched, links that are fetched."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from companion.commands.import_reports import import_json, import_words, question_words
from companion.commands.imports import Answers, text_of
from companion.commands.running import DONE, FAILED, HELD, Json, run_command
from companion.console import as_json, err, operator, out
from companion.domain.differences import when
from companion.domain.errors import BadInput
from companion.domain.expectations import Expected

if TYPE_CHECKING:
    from companion.domain.settings import SourceSettings
    from companion.services.assembly import Application
    from companion.services.sources.sources import SourceStatus
    from companion.services.sources.subscriptions import FetchOutcome

app = typer.Typer()
sources = typer.Typer(
    help="Where appointments come from: watched folders, links.", no_args_is_help=True
)
app.add_typer(sources, name="sources")


@sources.command("list")
def sources_list(json: Json = False) -> None:
    """Where appointments come from: folders that are watched, links that are fetched."""

    async def work(application: Application) -> None:
        known = await application.sources.overview()
        if json:
            as_json({"sources": [source_json(each) for each in known]})
        elif not known:
            out.print("No sources yet. To watch a folder or fetch a link: sources add NAME PLACE")
        else:
            for each in known:
                source_words(each, application.settings.read().practice.timezone)

    run_command(work, json=json)


@sources.command("add")
def sources_add(  # noqa: PLR0913, PLR0917 - Typer reads the options from the parameters
    name: Annotated[str, typer.Argument(metavar="NAME")],
    place: Annotated[str, typer.Argument(metavar="FOLDER|LINK")],
    every: Annotated[
        int | None, typer.Option(metavar="MINUTES", help="How often a link is fetched; 15.")
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help="Mapping file (TOML).")] = None,
    snapshot: Annotated[
        bool | None,
        typer.Option("--snapshot/--changes", help="Its files are whole, or only changes."),
    ] = None,
    leave_files: Annotated[
        bool | None,
        typer.Option("--leave-files/--file-away", help="Leave imported files where they are."),
    ] = None,
    expected: Annotated[Expected | None, typer.Option(help="How often a file should come.")] = None,
    answer: Answers = None,
    yes: Annotated[
        bool | None, typer.Option("--yes/--ask", help="Take the guesses for what files leave open.")
    ] = None,
    json: Json = False,
) -> None:
    """Watch a folder, or fetch the calendar at a link (https, webcal), while the app runs."""
    from companion.services.imports.reading.asking import answers_of
    from companion.services.sources.reports import every_words

    folder = str(Path(place).absolute())

    async def work(application: Application) -> None:
        given = answers_of(answer or ())
        if "://" in place:
            if leave_files is not None or expected is not None:
                raise BadInput("Only a folder has --leave-files and --expected.", field="options")
            source = await application.sources.add_link(
                name,
                place,
                every=None if every is None else timedelta(minutes=every),
                mapping=text_of(mapping),
                snapshot=snapshot,
                answers=given,
                guesses=yes,
            )
        else:
            if every is not None:
                raise BadInput("Only a link has --every: a folder is watched.", field="options")
            source = await application.sources.add(
                name,
                folder,
                mapping=text_of(mapping),
                snapshot=snapshot,
                leave_files=leave_files,
                expected=expected,
                answers=given,
                guesses=yes,
            )
        if json:
            as_json(_place_json(source))
        elif source.link_host:
            out.print(
                f"The calendar at {source.link_host} is fetched for {source.name} "
                f"{every_words(source.every)} while the app runs. To fetch it now: sources sync"
            )
        else:
            out.print(f"{source.folder} is watched for {source.name} while the app runs.")

    run_command(work, json=json)


@sources.command("sync")
def sources_sync(
    name: Annotated[str, typer.Argument(metavar="[NAME]")] = "",
    answer: Answers = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Take the guesses; also when many would be removed.")
    ] = False,
    json: Json = False,
) -> None:
    """Fetch the calendars at links now: of one source, or of all."""
    from companion.services.imports.reading.asking import answers_of

    async def work(application: Application) -> int:
        answers, known = answers_of(answer or ()), await application.sources.overview()
        links = [each.settings.name for each in known if each.settings.link_host]
        found = [
            await application.sources.sync(each, answers=answers, yes=yes)
            for each in ([name] if name else links)
        ]
        if json:
            as_json({"sources": [_outcome_json(each) for each in found]})
        for each in found:
            _outcome_words(each, json=json)
        if not found:
            err.print("No source is fetched from a link.")
        if any(each.error for each in found):
            return FAILED
        return HELD if any(each.held for each in found) else DONE

    run_command(work, json=json)


@sources.command("remove")
def sources_remove(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    appointments: Annotated[
        bool, typer.Option("--appointments", help="Take what it brought out of the book too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Without asking once more.")] = False,
    json: Json = False,
) -> None:
    """Forget a source, its folder or link; files and appointments stay unless told."""

    async def work(application: Application) -> int:
        brought = await application.imports.brought_by(name) if appointments else 0
        known = {each.settings.name for each in await application.sources.overview()}
        # One from before sources were remembered is in the book alone.
        source = name if brought and name not in known else application.sources.source(name).name
        brought = await application.imports.brought_by(source) if appointments else 0
        held = brought > 0 and not yes
        if not held:
            if appointments:
                await application.imports.remove_source(source, by=operator())
            if source in known:
                await application.sources.remove(source)
        if json:
            document = {"source": source, "removed": not held, "appointments": brought}
            as_json({**document, "held": held})
        elif not held:
            left = "its appointments stay in the book"
            stay = f"{brought} appointments were removed" if appointments else left
            out.print(f"{source} is forgotten; {stay}.")
        if held:
            err.print(
                f"This would take {brought} appointments of {source} out of the book. Nothing was "
                "changed. If this is right, add --yes."
            )
        return HELD if held else DONE

    run_command(work, json=json)


def source_json(status: SourceStatus) -> dict[str, Any]:
    note = status.note
    return {
        **_place_json(status.settings),
        "leave_files": status.settings.leave_files,
        "expected": status.settings.expected.value,
        "mapping": bool(status.settings.mapping),
        "last_file": note.last_file,
        "last_at": note.last_at,
        "last_result": note.last_result,
        "last_fetched": note.fetched.good_at,
        "trouble": note.trouble,
        "trouble_since": note.trouble_since,
        "waiting": [
            {"file": each.place, "at": each.at, "held": each.held, "what": each.what}
            for each in note.waiting
        ],
    }


def _place_json(source: SourceSettings) -> dict[str, Any]:
    """A link is a secret: only its host is said."""
    return {
        "source": source.name,
        "folder": source.folder,
        "link_host": source.link_host,
        "every_minutes": round(source.every / timedelta(minutes=1)) if source.link_host else None,
        "snapshot": bool(source.snapshot),
    }


def source_words(status: SourceStatus, timezone: str) -> None:
    """``nookal: /exports (changes only)`` and what became of its files."""
    from companion.services.sources.reports import every_words

    settings, note = status.settings, status.note
    mode = "whole book" if settings.snapshot else "changes only"
    place = settings.folder or "no folder is watched"
    if settings.link_host:
        place = f"the calendar at {settings.link_host}, {every_words(settings.every)}"
    out.print(f"{settings.name}: {place} ({mode})")
    if status.failing:
        since = f" Since {when(note.trouble_since, timezone)}." if note.trouble_since else ""
        out.print(f"  {note.trouble}{since}")
    if note.last_at is not None:
        out.print(f"  {note.last_file}, {when(note.last_at, timezone)}: {note.last_result}")
    for each in note.waiting:
        why = "waits for you" if each.held else "could not be used"
        out.print(f"  {each.place} {why}: {each.what}")


def _outcome_json(outcome: FetchOutcome) -> dict[str, Any]:
    report, error = outcome.report, outcome.error
    document = {"source": outcome.source, "fetched": error is None, "error": str(error or "")}
    if report is not None:
        document |= import_json(report, report.questions, held=report.held)
    return document


def _outcome_words(outcome: FetchOutcome, *, json: bool) -> None:
    report = outcome.report
    if outcome.error is not None:
        err.print(f"{outcome.source}: {outcome.error}")
    elif report is None and not json:
        out.print(f"{outcome.source}: nothing has changed.")
    elif report is not None:
        if not json:
            import_words(report, dry_run=report.held)
        if report.questions:
            err.print(question_words(report.questions))
        if report.held:
            err.print(f"{report.why_held}\nNothing was changed.")
