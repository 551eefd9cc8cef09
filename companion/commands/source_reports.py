"""What the commands about sources say: in words and as JSON."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from companion.commands.import_reports import import_json, import_words, question_words
from companion.console import err, out
from companion.domain.differences import when

if TYPE_CHECKING:
    from companion.domain.settings import SourceSettings
    from companion.services.sources.fetching import FetchOutcome
    from companion.services.sources.sources import SourceStatus


def source_json(status: SourceStatus) -> dict[str, Any]:
    note = status.note
    return {
        **place_json(status.settings),
        "leave_files": status.settings.leave_files,
        "expected": status.settings.expected.value,
        "mapping": bool(status.settings.mapping),
        "last_file": note.last_file,
        "last_at": note.last_at,
        "last_result": note.last_result,
        "last_fetched": note.fetched.good_at,
        "trouble": note.trouble,
        "trouble_since": note.trouble_since,
        "workstation": status.watcher.name if status.watcher else "",
        "not_watched": status.watcher.absent if status.watcher else "",
        "waiting": [
            {"file": each.place, "at": each.at, "held": each.held, "what": each.what}
            for each in note.waiting
        ],
    }


def place_json(source: SourceSettings) -> dict[str, Any]:
    """No secret, as a link is, is in it."""
    remote = source.remote
    return {
        "source": source.name,
        "kind": source.kind,
        "folder": source.folder,
        "place": remote.place if remote else "",
        "every_minutes": round(remote.every / timedelta(minutes=1)) if remote else None,
        "snapshot": bool(source.snapshot),
    }


def source_words(status: SourceStatus, timezone: str) -> None:
    """``nookal: /exports (changes only)`` and what became of its files."""
    from companion.services.sources.reports import every_words

    settings, note = status.settings, status.note
    mode = "whole book" if settings.snapshot else "changes only"
    place = settings.folder or "no folder is watched"
    if settings.remote:
        place = f"{settings.remote.place}, fetched {every_words(settings.remote.every)}"
    out.print(f"{settings.name}: {place} ({mode})")
    watcher = status.watcher
    if watcher is not None and watcher.absent:
        moment = watcher.off_since
        seen = f" Last seen: {when(moment, timezone)}." if moment else ""
        out.print(f"  {watcher.absent}{seen} {watcher.remedy}")
        out.print(f'  From here: python run.py sources watch "{settings.name}"')
    elif watcher is not None:
        out.print(f"  Watched by {'this workstation' if watcher.here else watcher.name}")
    if status.failing:
        since = f" Since {when(note.trouble_since, timezone)}." if note.trouble_since else ""
        out.print(f"  {note.trouble}{since}")
    if note.last_at is not None:
        out.print(f"  {note.last_file}, {when(note.last_at, timezone)}: {note.last_result}")
    for each in note.waiting:
        why = "waits for you" if each.held else "could not be used"
        where = f" (at {status.lies_at})" if status.lies_at else ""
        out.print(f"  {each.place}{where} {why}: {each.what}")


def outcome_json(outcome: FetchOutcome) -> dict[str, Any]:
    report, error = outcome.report, outcome.error
    document = {"source": outcome.source, "fetched": error is None, "error": str(error or "")}
    if report is not None:
        document |= import_json(report, report.questions, held=report.held)
    return document


def outcome_words(outcome: FetchOutcome, *, json: bool) -> None:
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
