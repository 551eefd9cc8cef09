"""What the sync did and would do, for people and as the contract's JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from companion.commands.running import DONE, FAILED, HELD
from companion.console import SHOWN, as_json, error_json, out, print_error
from companion.domain.differences import when

if TYPE_CHECKING:
    from companion.domain.reconcile import SyncPlan
    from companion.services.status import Board
    from companion.services.sync.passes import PassResult
    from companion.services.sync.syncing import SyncPreview


def show_passes(results: Sequence[PassResult], *, json: bool) -> int:
    """The exit code."""
    if json:
        as_json({"practitioners": [pass_json(result) for result in results]})
    for result in results:
        if not json:
            out.print(pass_words(result))
        if result.error:
            print_error(result.error)
    if not results and not json:
        out.print("Nobody is connected to Google yet.")
    return code_of(results)


def code_of(results: Sequence[PassResult]) -> int:
    """The exit code."""
    if any(result.error for result in results):
        return FAILED
    return HELD if any(result.held for result in results) else DONE


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
        document["verified_at"] = proof.at if proof else None
        document["imported_at"] = proof.imported_at if proof else None
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
    from companion.services.sync.passes import PassResult

    plan = outlook.plan
    nothing_done = PassResult(
        practitioner_id=practitioner_id,
        practitioner=name,
        planned={
            "insert": len(plan.inserts),
            "update": len(plan.updates),
            "delete": len(plan.deletes),
            "forget": len(plan.forgets),
        },
        unchanged=plan.unchanged,
        held=len(outlook.held),
    )
    return {**pass_json(nothing_done), "plan": list(plan_lines(plan))}


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


def duration(seconds: float) -> str:
    """``about 40 s left``, ``about 3 min left``."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    return f"about {round(seconds / 60)} min left"


def board_json(board: Board) -> dict[str, Any]:
    keeping = board.keeping
    return {
        "practice": board.practice.name,
        "keeping": None
        if keeping is None
        else {
            "workstation": keeping.by or None,
            "here": keeping.here,
            "sentence": keeping.sentence,
            "remedy": keeping.remedy,
        },
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
                "stale_since": each.stale_since,
                "last_sync": each.last_sync,
                "proof": each.proof,
                "in_google": each.in_google,
                "waiting": each.waiting,
                "held": each.held,
                "feeds": each.feeds,
                "feed_last_fetched": each.feed_last_fetched,
            }
            for each in board.practitioners
        ],
    }


def app_words(running: Mapping[str, Any], *, shared: bool = False) -> str:
    """One line; `shared`: other workstations keep the calendars, too."""
    if not running["running"] and shared:
        return "The app is not running on this workstation. Start it: python run.py start"
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
    if board.keeping is not None:
        out.print(f"{board.keeping.sentence} {board.keeping.remedy}".rstrip())
    if not board.practitioners:
        out.print("No practitioners yet. Import an export, or add one: practitioners add NAME")
        return
    for each in board.practitioners:
        out.print(f"{each.practitioner.name}: {each.sentence} {each.remedy}".rstrip())
        if each.proof:
            out.print(f"  {each.proof}")
