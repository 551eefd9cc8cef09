"""Upload, sync, audit, and how things stand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from companion.commands.running import (
    DONE,
    FAILED,
    HELD,
    Json,
    Who,
    run_command,
)
from companion.domain.errors import CompanionError

if TYPE_CHECKING:
    from companion.domain.appointments import Practitioner
    from companion.main import House
    from companion.services.sync.passes import PassResult

app = typer.Typer()


@app.command()
def upload(practitioner: Who, json: Json = False) -> None:
    """The first export, with progress; safe to repeat and to interrupt."""
    from companion.printing import as_json, out, pass_json, pass_words, progress_bar, trouble

    async def work(house: House) -> int:
        person = house.practitioner(practitioner)
        with progress_bar("Upload to Google", quiet=json) as show:
            result = await house.services.syncing.run(person.id, cause="upload", progress=show)
        if json:
            as_json({"practitioners": [pass_json(result)]})
        else:
            out.print(pass_words(result))
        if result.error:
            trouble(result.error)
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
    from companion.printing import (
        as_json,
        out,
        pass_json,
        pass_words,
        progress_bar,
        trouble,
    )

    async def work(house: House) -> int:
        chosen = house.chosen(practitioners or [], everybody=everybody)
        if dry_run:
            return await _dry_run(house, chosen, held_is_fine=yes, json=json)
        with progress_bar("Sync", quiet=json) as show:
            results = await asyncio.gather(
                *(
                    house.services.syncing.run(
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
                trouble(result.error)
        if not results and not json:
            out.print("Nobody is connected to Google yet.")
        return _code(results)

    run_command(work, json=json, who="a sync")


async def _dry_run(
    house: House, chosen: Sequence[Practitioner], *, held_is_fine: bool, json: bool
) -> int:
    """Everybody's plan; where there is none, why, and the others' all the same."""
    from companion.printing import as_json, outlook_json, pass_json, plan_words, trouble
    from companion.services.sync.passes import PassResult

    documents = []
    code = DONE
    for person in chosen:
        try:
            outlook = await house.services.syncing.plan(person.id)
        except CompanionError as error:
            code = FAILED
            trouble(error)
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
    json: Json = False,
) -> None:
    """Compare Google with the book, event by event."""
    from companion.printing import as_json, out, pass_json, trouble
    from companion.services.sync.auditing import proof_in_words

    async def work(house: House) -> int:
        chosen = house.chosen(practitioners or [], everybody=everybody)
        results = [
            await house.services.auditing.audit(person.id, repair=repair) for person in chosen
        ]
        if json:
            as_json({"practitioners": [pass_json(result, audit=True) for result in results]})
        for person, result in zip(chosen, results, strict=True):
            if not json:
                out.print(f"{result.practitioner}:")
                for difference in result.differences:
                    out.print(f"  {difference.what}")
                if result.proof:
                    now = house.services.clock.now()
                    out.print(f"  {proof_in_words(result.proof, person.timezone, now)}")
            if result.error:
                trouble(result.error)
        return _code(results)

    run_command(work, json=json, who="an audit")


def _code(results: Sequence[PassResult]) -> int:
    if any(result.error for result in results):
        return FAILED
    return HELD if any(result.held for result in results) else DONE


@app.command()
def status(json: Json = False) -> None:
    """What is connected, last sync, last proof."""
    from companion.printing import as_json, board_json, board_words

    async def work(house: House) -> None:
        board = await house.services.status.board()
        if json:
            as_json(board_json(board))
        else:
            board_words(board)

    run_command(work, json=json)
