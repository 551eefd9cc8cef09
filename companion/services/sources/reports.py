"""Source reports: what lies beside a file that was set aside, or was not used whole.

Plain text for whoever finds the file: what happened, what to do, and each row that was left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from companion.domain.errors import CompanionError
from companion.services.imports.importing import ImportReport, RejectedRow

MOST_ROWS = 5_000


def counted(report: ImportReport) -> str:
    """``12 added, 3 changed, 0 removed, 240 unchanged.``, and how many rows were left out."""
    words = (
        f"{report.added} added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged"
    )
    if report.older:
        words += f"; {report.older} older than the book's left alone"
    words += "".join(f"; {each.count} not removed ({each.why})" for each in report.kept)
    left = f"; {len(report.rejected)} rows could not be used" if report.rejected else ""
    return f"{words}{left}."


def every_words(every: timedelta) -> str:
    """``every 15 minutes``, ``every hour``, ``every 2 days``."""
    minutes = round(every / timedelta(minutes=1))
    for size, name in ((1_440, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0:
            count = minutes // size
            return f"every {name}" if count == 1 else f"every {count} {name}s"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """Of one file of a watched folder."""

    source: str
    file: str
    at: str
    """When, in words."""

    def bad(self, error: CompanionError, rejected: Sequence[RejectedRow] = ()) -> str:
        title = "This file could not be used. Nothing in the appointment book was changed."
        body = ["What happened:", f"  {error.what}", "", "What to do:", f"  {error.remedy}"]
        return self._page(title, body, rejected)

    def held(self, report: ImportReport) -> str:
        title = "This file waits for a person. Nothing in the appointment book was changed."
        body = [
            "Why:",
            f"  {report.why_held}",
            "",
            "It would do this:",
            f"  {counted(report)}",
            "",
            *_questions(report),
            "What to do:",
            f"  {_ANSWER if report.questions else _RELEASE}",
            f'  python run.py import "THIS FILE" {_ANSWERED if report.questions else _RELEASED}',
            "  If it is not, export again and drop the new file into the folder.",
        ]
        return self._page(title, body, report.rejected)

    def rows(self, rejected: Sequence[RejectedRow]) -> str:
        """Empty where all could be used."""
        if not rejected:
            return ""
        title = f"This file was imported, but {len(rejected)} of its rows could not be used."
        what = "  Correct these appointments in the practice software, and export again."
        return self._page(title, ["What to do:", what], rejected)

    def _page(self, title: str, body: Iterable[str], rejected: Sequence[RejectedRow]) -> str:
        lines = [title, "", f"File:    {self.file}", f"Source:  {self.source}"]
        lines += [f"When:    {self.at}", "", *body]
        if rejected:
            lines += ["", "Rows that could not be used:"]
            lines += [f"  row {each.row}: {each.reason}" for each in rejected[:MOST_ROWS]]
            if len(rejected) > MOST_ROWS:
                lines.append(f"  … and {len(rejected) - MOST_ROWS} more")
        return "\n".join(lines) + "\n"


_RELEASE = "If this is right, press Import on the page Import > Sources, or run"
_ANSWER = "Answer on the page Import > Sources, or run"
_RELEASED, _ANSWERED = "--yes", "--answer KEY=VALUE"


def _questions(report: ImportReport) -> list[str]:
    lines: list[str] = []
    for each in report.questions:
        values = ", ".join(it.value for it in each.choices)
        lines += [f"  {each.text}", f"    {each.key} = {values or 'any text'}"]
    return ["Questions:", *lines, ""] if lines else []
