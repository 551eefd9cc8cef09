"""Source reports: what lies beside a file that was set aside, or was not used whole.

Plain text for whoever finds the file: what happened, what to do, and each row that was left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from companion.domain.errors import CompanionError
from companion.services.imports.importing import ImportReport, RejectedRow

MOST_ROWS = 5_000


def counted(report: ImportReport) -> str:
    """``12 added, 3 changed, 0 removed, 240 unchanged.``, and how many rows were left out."""
    words = (
        f"{report.added} added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged"
    )
    left = f"; {len(report.rejected)} rows could not be used" if report.rejected else ""
    return f"{words}{left}."


def bad_report(
    source: str, file: str, at: str, error: CompanionError, rejected: Sequence[RejectedRow] = ()
) -> str:
    return _page(
        "This file could not be used. Nothing in the appointment book was changed.",
        source,
        file,
        at,
        ["What happened:", f"  {error.what}", "", "What to do:", f"  {error.remedy}"],
        rejected,
    )


def held_report(source: str, file: str, at: str, report: ImportReport) -> str:
    return _page(
        "This file waits for a person. Nothing in the appointment book was changed.",
        source,
        file,
        at,
        [
            "Why:",
            f"  {report.why_held}",
            "",
            "It would do this:",
            f"  {counted(report)}",
            "",
            "What to do:",
            "  If this is right, press Import on the page Import > Watched folders, or run",
            '  python run.py import "THIS FILE" --yes',
            "  If it is not, export again and drop the new file into the folder.",
        ],
        report.rejected,
    )


def rows_report(source: str, file: str, at: str, rejected: Sequence[RejectedRow]) -> str:
    return _page(
        f"This file was imported, but {len(rejected)} of its rows could not be used.",
        source,
        file,
        at,
        ["What to do:", "  Correct these appointments in the practice software, and export again."],
        rejected,
    )


def _page(
    title: str,
    source: str,
    file: str,
    at: str,
    body: Iterable[str],
    rejected: Sequence[RejectedRow],
) -> str:
    lines = [title, "", f"File:    {file}", f"Source:  {source}", f"When:    {at}", "", *body]
    if rejected:
        lines += ["", "Rows that could not be used:"]
        lines += [f"  row {each.row}: {each.reason}" for each in rejected[:MOST_ROWS]]
        if len(rejected) > MOST_ROWS:
            lines.append(f"  … and {len(rejected) - MOST_ROWS} more")
    return "\n".join(lines) + "\n"
