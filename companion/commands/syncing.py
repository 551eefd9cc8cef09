"""Upload, sync, audit, and how things stand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from companion.commands.running import (
    DONE,
    FAILED,
    HELD,
    Json,
    Who,
    named,
    run_command,
)
from companion.console import SHOWN, as_json, err, error_json, out, print_error, progress_bar
from companion.domain.differences import when
from companion.domain.errors import BadInput, CompanionError

if TYPE_CHECKING:
    from companion.domain.appointments import Practitioner
    from companion.domain.reconcile import SyncPlan
    from companion.services.assembly import Application
    from companion.services.status import Board
    from companion.services.sync.passes import PassResult
    from companion.services.sync.progress import Progress
    from companion.services.sync.syncing import SyncPreview

app = typer.Typer()


@app.command()
def upload(practitioner: Who, json: Json = False) -> None:
    """The first export, with progress; safe to repeat and to interrupt."""
    from companion.services.sync.auditing import proof_in_words

    async def work(application: Application) -> int:
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
        return _code([result])

    run_command(work, json=json, who="an upload")


@app.command()
def sync(
    practitioners: Annotated[list[str] | None, typer.Argument(metavar="[PRACTITIONER …]")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who is connected.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan only.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Release held removals.")] = False,
    json: Json = False,
) -> None:
    """One reconcile pass."""

    async def work(application: Application) -> int:
        chosen = _chosen(application, practitioners or [], everybody=everybody)
        if dry_run:
            return await _dry_run(application, chosen, held_is_fine=yes, json=json)
        with _progress("Sync", quiet=json) as show:
            results = await asyncio.gather(
                *(
                    application.syncing.run(
                        person.id, cause="sync", release_held=yes, progress=show
                    )
                    for person in chosen
                )
            )
        if json:
            as_json({"practitioners": [pass_json(result) for result in results]})
        for result in results:
            if not json:
                out.print(pass_words(result))
            if result.error:
                print_error(result.error)
        if not results and not json:
            out.print("Nobody is connected to Google yet.")
        return _code(results)

    run_command(work, json=json, who="a sync")


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


@app.command()
def audit(
    practitioners: Annotated[list[str] | None, typer.Argument(metavar="[PRACTITIONER …]")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who is connected.")] = False,
    repair: Annotated[bool, typer.Option(help="Mend what differs.")] = True,
    put_back: Annotated[
        bool,
        typer.Option("--put-back", help="Insert again what was left out."),
    ] = False,
    json: Json = False,
) -> None:
    """Compare Google with the book, event by event."""
    from companion.services.sync.auditing import proof_in_words

    async def work(application: Application) -> int:
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
        return _code(results)

    run_command(work, json=json, who="an audit")


def _code(results: Sequence[PassResult]) -> int:
    if any(result.error for result in results):
        return FAILED
    return HELD if any(result.held for result in results) else DONE


@app.command()
def status(json: Json = False) -> None:
    """Whether the app runs; what is connected, last sync, last proof."""

    async def work(application: Application) -> None:
        from companion.adapters.database.schema import HEAD
        from companion.commands.desktop import app_json
        from companion.services.settings.documents import VERSION

        running = await app_json()
        board = await application.status.board()
        if json:
            schema = {"settings": VERSION, "database": HEAD}
            as_json({"app": running, "schema": schema, **board_json(board)})
        else:
            out.print(app_words(running))
            board_words(board)

    run_command(work, json=json)


def pass_json(result: PassResult, *, audit: bool = False) -> dict[str, Any]:
    """One element of ``practitioners`` as the contract names it."""
    document: dict[str, Any] = {
        "practitioner": result.practitioner,
        "practitioner_id": result.practitioner_id,
        "planned": result.planned,
        "inserted": result.inserted,
        "updated": result.updated,
        "deleted": result.deleted,
        "unchanged": result.unchanged,
        "failed": result.failed,
        "held": result.held,
        "api_calls": result.api_calls,
        "seconds": result.seconds,
        "error": error_json(result.error),
    }
    if audit:
        proof = result.proof
        document["book"] = proof.book if proof else None
        document["google"] = proof.google if proof else None
        document["equal"] = proof.equal if proof else False
        document["verified_at"] = proof.at.isoformat() if proof else None
        document["imported_at"] = (
            proof.imported_at.isoformat() if proof and proof.imported_at else None
        )
        document["differences"] = [
            {"kind": each.kind.value, "key": each.key, "what": each.what}
            for each in result.differences
        ]
        document["left_out"] = [
            {"key": each.key, "what": when(each.start, each.timezone)} for each in result.left_out
        ]
    return document


def pass_words(result: PassResult) -> str:
    """``Anna Example: 12 added, 1 changed, 40 unchanged (13 calls, 1.4 s).``"""
    done = [
        f"{count} {word}"
        for count, word in (
            *result.written,
            (result.unchanged, "unchanged"),
            (result.failed, "not accepted"),
        )
        if count
    ]
    text = ", ".join(done) or "nothing to do"
    calls = f"{result.api_calls} call{'' if result.api_calls == 1 else 's'} to Google"
    sentence = f"{result.practitioner}: {text} ({calls}, {result.seconds:.1f} s)."
    if result.held:
        sentence += (
            f"\n{result.held} removals wait for you: look with --dry-run, release with --yes."
        )
    return sentence


def outlook_json(name: str, practitioner_id: str, outlook: SyncPreview) -> dict[str, Any]:
    plan = outlook.plan
    return {
        "practitioner": name,
        "practitioner_id": practitioner_id,
        "planned": {
            "insert": len(plan.inserts),
            "update": len(plan.updates),
            "delete": len(plan.deletes),
            "forget": len(plan.forgets),
        },
        "inserted": 0,
        "updated": 0,
        "deleted": 0,
        "unchanged": plan.unchanged,
        "failed": 0,
        "held": len(outlook.held),
        "api_calls": 0,
        "seconds": 0.0,
        "error": None,
        "plan": list(plan_lines(plan)),
    }


def plan_words(name: str, outlook: SyncPreview) -> None:
    window = outlook.window
    out.print(
        f"{name}: {outlook.events} appointments from {window.first_day:%d/%m/%Y} to "
        f"{window.last_day:%d/%m/%Y}; {outlook.plan.unchanged} are in Google as they should be."
    )
    lines = list(plan_lines(outlook.plan))
    for line in lines[:SHOWN]:
        out.print(f"  {line}")
    if len(lines) > SHOWN:
        out.print(f"  … and {len(lines) - SHOWN} more")
    if not lines:
        out.print("  Nothing to do.")
    if outlook.held:
        out.print(f"  {len(outlook.held)} of the removals wait for you: release with --yes.")


def plan_lines(plan: SyncPlan) -> Iterator[str]:
    """A plan in words; titles exactly as Google would show them."""
    for insert in plan.inserts:
        event = insert.event
        yield f"Add     {when(event.start, event.timezone)}  {event.summary}"
    for update in plan.updates:
        event = update.event
        yield f"Change  {when(event.start, event.timezone)}  {event.summary}"
    for delete in plan.deletes:
        yield f"Remove  {when(delete.entry.begins, 'UTC')} UTC"
    for forget in plan.forgets:
        yield f"Leave   {when(forget.entry.begins, 'UTC')} UTC (now behind the sync period)"


@contextmanager
def _progress(label: str, *, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    with progress_bar(label, quiet=quiet) as bar:

        def show(progress: Progress) -> None:
            left = "" if progress.seconds_left is None else duration(progress.seconds_left)
            bar(progress.done, progress.total, left)

        yield show


def duration(seconds: float) -> str:
    """``about 40 s left``, ``about 3 min left``."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    return f"about {round(seconds / 60)} min left"


def board_json(board: Board) -> dict[str, Any]:
    return {
        "practice": board.practice.name,
        "practitioners": [
            {
                "practitioner": each.practitioner.name,
                "practitioner_id": each.practitioner.id,
                "enabled": each.enabled,
                "connected": each.connected,
                "account": each.account,
                "calendar": each.calendar_name,
                "state": each.state,
                "sentence": each.sentence,
                "remedy": each.remedy,
                "action": each.action,
                "stale_since": each.stale_since.isoformat() if each.stale_since else None,
                "last_sync": each.last_sync.isoformat() if each.last_sync else None,
                "proof": each.proof,
                "in_google": each.in_google,
                "waiting": each.waiting,
                "held": each.held,
                "feeds": each.feeds,
                "feed_last_fetched": (
                    each.feed_last_fetched.isoformat() if each.feed_last_fetched else None
                ),
            }
            for each in board.practitioners
        ],
    }


def app_words(running: Mapping[str, Any]) -> str:
    """One line."""
    if not running["running"]:
        return "The app is not running; calendars are not kept. Start it: python run.py start"
    if not running["since"]:
        return "The app is running, but does not answer just now."
    since = datetime.fromisoformat(running["since"]).astimezone()
    return (
        f"The app (version {running['version']}) has been running since {since:%d/%m/%Y %H:%M}: "
        f"{running['address']}"
    )


def board_words(board: Board) -> None:
    if not board.practitioners:
        out.print("No practitioners yet. Import an export, or add one: practitioners add NAME")
        return
    for each in board.practitioners:
        out.print(f"{each.practitioner.name}: {each.sentence} {each.remedy}".rstrip())
        if each.proof:
            out.print(f"  {each.proof}")
