"""What the commands print: plain sentences for people, one JSON document for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

from companion.domain.differences import when
from companion.domain.errors import CompanionError
from companion.domain.reconcile import SyncPlan
from companion.services.care.doctor import Diagnosis, Examined
from companion.services.feeds.documents import disclosure_words
from companion.services.feeds.facts import facts_of
from companion.services.imports.importing import ImportPreview, ImportReport
from companion.services.ports import Activity, FeedLink
from companion.services.settings.transfer import TransferReport
from companion.services.sources.sources import SourceStatus
from companion.services.status import Board
from companion.services.sync.passes import PassResult
from companion.services.sync.progress import Progress
from companion.services.sync.syncing import Outlook

# Without a terminal nothing is cut or wrapped: scripts read it.
out = Console(width=None if sys.stdout.isatty() else 500, highlight=False, markup=False)
err = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
SHOWN = 40
"""Lines of a plan or a list of rejected rows shown to people; the JSON has all."""


def as_json(value: object) -> None:
    """One document on standard output."""
    sys.stdout.write(json.dumps(_plain(value), ensure_ascii=False, indent=2) + "\n")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value


def trouble(error: CompanionError) -> None:
    """What happened and what to do, on standard error."""
    err.print(f"{error.what}\n{error.remedy}")


def error_json(error: CompanionError | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {"kind": type(error).__name__, "what": error.what, "remedy": error.remedy}


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        grid.add_column(heading)
    for row in rows:
        grid.add_row(*row)
    out.print(grid, soft_wrap=not sys.stdout.isatty())


# ── sync, upload, audit ───────────────────────────────────────────────────────────────────────


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
    return document


def pass_words(result: PassResult) -> str:
    """``Anna Example: 12 added, 1 changed, 40 unchanged (13 calls, 1.4 s).``"""
    done = [
        f"{count} {word}"
        for count, word in (
            (result.inserted, "added"),
            (result.updated, "changed"),
            (result.deleted, "removed"),
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


def outlook_json(name: str, practitioner_id: str, outlook: Outlook) -> dict[str, Any]:
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


def plan_words(name: str, outlook: Outlook) -> None:
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
def progress_bar(label: str, *, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """A bar with counts and time left; nothing where there is no terminal."""
    if quiet or not err.is_terminal:
        yield lambda _progress: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f}"),
        TextColumn("{task.fields[left]}"),
    )
    with Bar(*columns, console=err, transient=True) as bar:
        task = bar.add_task(label, total=1, left="")

        def show(progress: Progress) -> None:
            left = "" if progress.seconds_left is None else duration(progress.seconds_left)
            bar.update(task, completed=progress.done, total=max(1, progress.total), left=left)

        yield show


def duration(seconds: float) -> str:
    """``about 40 s left``, ``about 3 min left``."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    return f"about {round(seconds / 60)} min left"


# ── feeds ─────────────────────────────────────────────────────────────────────────────────────


def feed_json(
    link: FeedLink, names: Mapping[str, str], now: datetime, unused_after: timedelta
) -> dict[str, Any]:
    facts = facts_of(link, now, unused_after)
    return {
        "id": link.id,
        "practitioner": names.get(link.practitioner_id, link.practitioner_id),
        "practitioner_id": link.practitioner_id,
        "label": link.label,
        "detail": link.detail,
        "shows": None if link.custom is None else disclosure_words(link.custom),
        "days_in_arrears": link.days_in_arrears,
        "days_in_advance": link.days_in_advance,
        "state": facts.state,
        "created_at": link.created_at.isoformat(),
        "expires_at": link.expires_at.isoformat() if link.expires_at else None,
        "revoked_at": link.revoked_at.isoformat() if link.revoked_at else None,
        "last_fetched_at": link.last_fetched_at.isoformat() if link.last_fetched_at else None,
        "last_client": link.last_client,
        "last_status": link.last_status or None,
        "last_network": link.last_network,
        "interval_seconds": None if facts.interval is None else facts.interval.total_seconds(),
        "fetches": link.fetches,
    }


def feed_rows(
    links: Iterable[FeedLink], names: Mapping[str, str], now: datetime, unused_after: timedelta
) -> Iterator[tuple[str, ...]]:
    for link in links:
        facts = facts_of(link, now, unused_after)
        seen = f"{link.last_fetched_at:%d/%m/%Y %H:%M} UTC" if link.last_fetched_at else "never"
        minutes = "" if facts.interval is None else f"{facts.interval.total_seconds() / 60:.0f} min"
        yield (
            link.id,
            names.get(link.practitioner_id, link.practitioner_id),
            link.label,
            link.detail,
            facts.state,
            f"{seen} {facts.client}".rstrip(),
            minutes,
        )


# ── import, status ────────────────────────────────────────────────────────────────────────────


def import_json(report: ImportPreview | ImportReport, *, held: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "source": report.source,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "rejected": [{"row": each.row, "reason": each.reason} for each in report.rejected],
        "held": held,
    }
    if isinstance(report, ImportReport):
        document["practitioners_created"] = [each.name for each in report.created]
    return document


def import_words(report: ImportPreview | ImportReport, *, dry_run: bool) -> None:
    verb = "would be" if dry_run else "were"
    out.print(
        f"From {report.source}: {report.added} {verb} added, {report.changed} changed, "
        f"{report.removed} removed; {report.unchanged} unchanged."
    )
    if isinstance(report, ImportReport):
        for each in report.created:
            out.print(f'New practitioner: {each.name} (id "{each.id}")')
    if report.rejected:
        out.print(f"{len(report.rejected)} rows could not be used:")
        for row in report.rejected[:SHOWN]:
            out.print(f"  row {row.row}: {row.reason}")
        if len(report.rejected) > SHOWN:
            out.print(f"  … and {len(report.rejected) - SHOWN} more (all with --json)")


def source_json(status: SourceStatus) -> dict[str, Any]:
    note = status.note
    return {
        "source": status.settings.name,
        "folder": status.settings.folder,
        "snapshot": status.settings.snapshot,
        "leave_files": status.settings.leave_files,
        "mapping": bool(status.settings.mapping),
        "last_file": note.last_file,
        "last_at": note.last_at,
        "last_result": note.last_result,
        "trouble": note.trouble,
        "waiting": [
            {"file": each.place, "at": each.at, "held": each.held, "what": each.what}
            for each in note.waiting
        ],
    }


def source_words(status: SourceStatus, timezone: str) -> None:
    """``nookal: /exports (changes only)`` and what became of its files."""
    settings, note = status.settings, status.note
    mode = "whole book" if settings.snapshot else "changes only"
    out.print(f"{settings.name}: {settings.folder or 'no folder is watched'} ({mode})")
    if note.trouble and status.watched:
        out.print(f"  {note.trouble}")
    if note.last_at is not None:
        out.print(f"  {note.last_file}, {when(note.last_at, timezone)}: {note.last_result}")
    for each in note.waiting:
        why = "waits for you" if each.held else "could not be used"
        out.print(f"  {each.place} {why}: {each.what}")


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


def board_words(board: Board) -> None:
    if not board.practitioners:
        out.print("No practitioners yet. Import an export, or add one: practitioners add NAME")
        return
    for each in board.practitioners:
        out.print(f"{each.practitioner.name}: {each.sentence} {each.remedy}".rstrip())
        if each.proof:
            out.print(f"  {each.proof}")


# ── doctor, settings as a file ────────────────────────────────────────────────────────────────

_SIGNS = {"ok": "ok  ", "warn": "LOOK", "fail": "FAIL"}


@contextmanager
def examining(*, quiet: bool) -> Iterator[Callable[[Examined], None]]:
    """A bar while the doctor is at work; nothing where there is no terminal."""
    if quiet or not err.is_terminal:
        yield lambda _examined: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[last]}"))
    with Bar(*columns, console=err, transient=True) as bar:
        task = bar.add_task("Examining", total=1, last="")

        def show(examined: Examined) -> None:
            last = examined.findings[-1].title if examined.findings else ""
            bar.update(task, completed=examined.done, total=max(1, examined.total), last=last)

        yield show


def diagnosis_json(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "healthy": diagnosis.healthy,
        "program": diagnosis.program,
        "at": diagnosis.at,
        "findings": [
            {
                "id": each.id,
                "state": each.state,
                "title": each.title,
                "what": each.what,
                "remedy": each.remedy,
                "practitioner_id": each.subject or None,
                "command": each.action.command or None if each.action else None,
            }
            for each in diagnosis.findings
        ],
    }


def diagnosis_words(diagnosis: Diagnosis) -> None:
    """What is well in one line each, at the end; what is not with what to do."""
    for each in diagnosis.findings:
        out.print(f"{_SIGNS[each.state]}  {each.title}: {each.what}")
        if each.state == "ok":
            continue
        if each.remedy:
            out.print(f"      {each.remedy}")
        if each.action and each.action.command.startswith("run.py"):
            out.print(f"      python {each.action.command}")
    fails, warnings = diagnosis.count("fail"), diagnosis.count("warn")
    if not fails and not warnings:
        out.print("Everything is well.")
    else:
        out.print(f"{fails} to mend, {warnings} to look at.")


def transfer_words(report: TransferReport, *, dry_run: bool) -> None:
    verb = "would be" if dry_run else "were"
    for names, word in ((report.added, "added"), (report.changed, "changed")):
        for name in names:
            out.print(f"{name}: settings {verb} {word}")
    if report.practice_changed:
        out.print(f"The practice's own settings {verb} changed.")
    if report.sources_changed:
        out.print(f"The import sources {verb} changed.")
    if report.kept:
        out.print(f"Not in the file, so as before: {', '.join(report.kept)}.")
    if not report.changes:
        out.print("Nothing to change: the settings are already as in the file.")
