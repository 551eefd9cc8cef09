"""Upload, sync, audit, and how things stand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from companion.commands.running import (
    DONE,
    FAILED,
    HELD,
    Json,
    bare_command,
    command,
    named,
    run_command,
)
from companion.commands.sync_reports import (
    app_words,
    board_json,
    board_words,
    code_of,
    duration,
    outlook_json,
    pass_json,
    pass_words,
    plan_words,
    show_passes,
)
from companion.console import as_json, err, error_json, out, print_error, progress_bar
from companion.domain.differences import when
from companion.domain.errors import BadInput, CompanionError
from companion.domain.practice_errors import DatabaseAway

if TYPE_CHECKING:
    from companion.domain.appointments import Practitioner
    from companion.services.assembly import Application
    from companion.services.sync.progress import Progress
    from companion.services.uploads import UploadResult

app = typer.Typer()


@app.command()
def upload(
    practitioner: Annotated[str, typer.Argument(metavar="[PRACTITIONER]", help="Name or id.")] = "",
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who is connected.")] = False,
    json: Json = False,
) -> None:
    """The first export, with progress; safe to repeat and to interrupt."""
    from companion.services.sync.auditing import proof_in_words

    if bool(practitioner) == everybody:
        raise typer.BadParameter("Name a PRACTITIONER, or use --all.")

    async def work(application: Application) -> int:
        if everybody:
            people = _chosen(application, [], everybody=True)
            results = await upload_everybody(application, people, quiet=json)
            return show_passes([each.written for each in results], json=json)
        person = named(application, practitioner)
        with _progress("Upload to Google", quiet=json) as show:
            done = await application.uploads.run(person.id, progress=show)
        result = done.written
        if json:
            as_json({"practitioners": [pass_json(result)]})
        else:
            out.print(pass_words(result))
            if done.proof:
                now = application.clock.now()
                out.print(f"  {proof_in_words(done.proof, person.timezone, now)}")
        if result.error:
            print_error(result.error)
        return code_of([result])

    run_command(work, json=json, who="an upload")


@command(app, who="a sync")
async def sync(
    application: Application,
    practitioners: Annotated[list[str] | None, typer.Argument(metavar="[PRACTITIONER …]")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who is connected.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan only.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Release held removals.")] = False,
    json: Json = False,
) -> int:
    """One reconcile pass."""
    chosen = _chosen(application, practitioners or [], everybody=everybody)
    if dry_run:
        return await _dry_run(application, chosen, held_is_fine=yes, json=json)
    with _progress("Sync", quiet=json) as show:
        results = await asyncio.gather(
            *(
                application.syncing.run(person.id, cause="sync", release_held=yes, progress=show)
                for person in chosen
            )
        )
    return show_passes(results, json=json)


async def upload_everybody(
    application: Application, people: Sequence[Practitioner], *, quiet: bool
) -> list[UploadResult]:
    """All at once, as fast as Google's quotas allow."""
    done = 0
    with progress_bar("Upload to Google", quiet=quiet) as bar:

        async def one(person: Practitioner) -> UploadResult:
            nonlocal done
            result = await application.uploads.run(person.id)
            done += 1
            bar(done, len(people), "calendars")
            return result

        return await asyncio.gather(*(one(person) for person in people))


def _chosen(
    application: Application, wanted: Sequence[str], *, everybody: bool
) -> list[Practitioner]:
    """The named ones; without names (or with `everybody`) all that sync."""
    settings = application.settings.read()
    if wanted and not everybody:
        return [settings.practitioner(each).practitioner for each in wanted]
    return [each.practitioner for each in settings.practitioners.values() if each.syncs]


async def _dry_run(
    application: Application, chosen: Sequence[Practitioner], *, held_is_fine: bool, json: bool
) -> int:
    """Everybody's plan; where there is none, why, and the others' all the same."""
    from companion.services.sync.passes import PassResult

    documents = []
    code = DONE
    for person in chosen:
        try:
            outlook = await application.syncing.plan(person.id)
        except CompanionError as error:
            code = FAILED
            print_error(error)
            nothing = PassResult(practitioner_id=person.id, practitioner=person.name, error=error)
            documents.append(pass_json(nothing))
            continue
        documents.append(outlook_json(person.name, person.id, outlook))
        if outlook.held and not held_is_fine:
            code = code or HELD
        if not json:
            plan_words(person.name, outlook)
    if json:
        as_json({"practitioners": documents})
    return code


@command(app, who="an audit")
async def audit(
    application: Application,
    practitioners: Annotated[list[str] | None, typer.Argument(metavar="[PRACTITIONER …]")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who is connected.")] = False,
    repair: Annotated[bool, typer.Option(help="Mend what differs.")] = True,
    put_back: Annotated[
        bool,
        typer.Option("--put-back", help="Insert again what was left out."),
    ] = False,
    json: Json = False,
) -> int:
    """Compare Google with the book, event by event."""

    from companion.services.sync.auditing import proof_in_words

    if put_back and not repair:
        raise BadInput(
            "--put-back and --no-repair contradict each other.", "Use one.", field="usage"
        )
    chosen = _chosen(application, practitioners or [], everybody=everybody)
    results = []
    for person in chosen:
        if put_back:
            count = await application.auditing.put_back(person.id)
            err.print(f"{person.name}: {count} left-out events are put back.")
        results.append(await application.auditing.audit(person.id, repair=repair))
    if json:
        as_json({"practitioners": [pass_json(result, audit=True) for result in results]})
    for person, result in zip(chosen, results, strict=True):
        if not json:
            out.print(f"{result.practitioner}:")
            for difference in result.differences:
                out.print(f"  {difference.what}")
            for event in result.left_out:
                at = when(event.start, event.timezone)
                out.print(f"  {at} was deleted in Google and is left out")
            if result.proof:
                now = application.clock.now()
                out.print(f"  {proof_in_words(result.proof, person.timezone, now)}")
        if result.error:
            print_error(result.error)
    return code_of(results)


@bare_command(app)
async def status(json: Json = False) -> int:
    """Whether the app runs; what is connected, last sync, last proof."""

    async def show(application: Application, running: Mapping[str, Any]) -> None:
        from companion.adapters.database.schema import HEAD
        from companion.services.settings.documents import VERSION

        board = await application.status.board()
        if json:
            schema = {"settings": VERSION, "database": HEAD}
            as_json({"app": running, "schema": schema, **board_json(board)})
        else:
            out.print(app_words(running, shared=board.keeping is not None))
            board_words(board)

    from companion.commands.desktop import app_json
    from companion.environment import Environment
    from companion.main import open_companion

    running = await app_json()
    try:
        environment = Environment.of_process()
        async with open_companion(environment, holder="a command") as application:
            if application.recovered:
                err.print(application.recovered)
            await show(application, running)
    except DatabaseAway as error:
        if json:
            as_json({"app": running, "error": error_json(error)})
        else:
            out.print(app_words(running, shared=True))
        print_error(error)
        return FAILED
    return DONE


@contextmanager
def _progress(label: str, *, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    with progress_bar(label, quiet=quiet) as bar:

        def show(progress: Progress) -> None:
            left = "" if progress.seconds_left is None else duration(progress.seconds_left)
            bar(progress.done, progress.total, left)

        yield show
