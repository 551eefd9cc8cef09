"""What `import` prints: counts, questions, and how a file would be read; as JSON and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from companion.console import SHOWN, out

if TYPE_CHECKING:
    from companion.services.imports.explanation import Explanation
    from companion.services.imports.importing import ImportPreview, ImportReport
    from companion.services.imports.questions import Question


def import_json(
    report: ImportPreview | ImportReport, questions: Sequence[Question], *, held: bool
) -> dict[str, Any]:
    """`questions`: those that are open."""
    from companion.services.imports.importing import ImportReport

    document: dict[str, Any] = {
        "source": report.source,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "cancelled": report.cancelled,
        "older": report.older,
        "kept": [{"why": each.why, "count": each.count} for each in report.kept],
        "rejected": [{"row": each.row, "reason": each.reason} for each in report.rejected],
        "questions": [question_json(each) for each in questions],
        "held": held,
        "compared_whole": report.why_whole,
    }
    if isinstance(report, ImportReport):
        document["practitioners_created"] = [each.name for each in report.created]
    else:
        document["practitioners_to_create"] = list(report.creates)
    return document


def question_json(question: Question) -> dict[str, Any]:
    return {
        "key": question.key,
        "about": question.about,
        "example": question.example,
        "text": question.text,
        "choices": [each.value for each in question.choices],
        "labels": {each.value: each.label or each.value for each in question.choices},
        "guess": question.guess,
        "count": question.count,
    }


def import_words(report: ImportPreview | ImportReport, *, dry_run: bool) -> None:
    from companion.services.imports.importing import ImportReport

    verb = "would be" if dry_run else "were"
    out.print(
        f"From {report.source}: {report.added} {verb} added, {report.changed} changed, "
        f"{report.removed} removed; {report.unchanged} unchanged."
    )
    if report.cancelled:
        out.print(f"Cancelled by it: {report.cancelled}.")
    if report.older:
        out.print(f"Older than what the book has, and left alone: {report.older}.")
    for each in report.kept:
        out.print(f"Not removed: {each.count}. {each.why}.")
    if report.why_whole:
        out.print(report.why_whole)
    if isinstance(report, ImportReport):
        for person in report.created:
            out.print(f'New practitioner: {person.name} (id "{person.id}")')
    else:
        for name in report.creates:
            out.print(f"New practitioner, to be created: {name}")
        for note in report.notes:
            out.print(note)
    if report.rejected:
        out.print(f"{len(report.rejected)} rows could not be used:")
        for row in report.rejected[:SHOWN]:
            out.print(f"  row {row.row}: {row.reason}")
        if len(report.rejected) > SHOWN:
            out.print(f"  … and {len(report.rejected) - SHOWN} more (all with --json)")


def question_words(questions: Sequence[Question]) -> str:
    """Each question with the answer to give, for people at a terminal."""
    lines = ["The file leaves open:" if len(questions) > 1 else "The file leaves one thing open:"]
    for each in questions:
        example = f", such as {each.example}" if each.example else ""
        lines.append(f"  {each.text} ({each.count} rows{example})")
        for choice in each.choices[:12]:
            label = f"  ({choice.label})" if choice.label not in {"", choice.value} else ""
            guess = "  <- our guess" if choice.value == each.guess else ""
            lines.append(f'    --answer "{each.key}={choice.value}"{label}{guess}')
        if not each.choices:
            lines.append(f'    --answer "{each.key}={each.guess or "…"}"')
    lines.append("Nothing was changed. Add the answers, or --yes to take the guesses.")
    return "\n".join(lines)


def explanation_json(found: Explanation) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for each in found.columns:
        known = columns.get(each.field)
        if known is None:
            columns[each.field] = {"heading": each.heading, "samples": list(each.samples)}
        else:
            known.setdefault("more", []).append(each.heading)
    return {
        "layout": found.layout,
        "sheets": [
            {"name": each.name, "header_row": each.header_row, "rows": each.rows, "used": each.used}
            for each in found.sheets
        ],
        "columns": columns,
        "ignored": list(found.ignored),
        "date_order": {"order": found.date_order or None, "proved_by": found.proved_by},
        "statuses": [
            {"word": each.word, "count": each.count, "means": each.means, "asked": each.asked}
            for each in found.statuses
        ],
        "practitioners": [
            {
                "name": each.name,
                "count": each.count,
                "id": each.id or None,
                "near": each.near or None,
            }
            for each in found.practitioners
        ],
        "left_out": found.left_out,
        "questions": [question_json(each) for each in found.questions],
        "mapping": found.mapping,
    }


def explanation_words(found: Explanation) -> None:
    out.print(f"Layout: {found.layout}")
    for each in found.sheets:
        name = f"Sheet “{each.name}”" if each.name else "The file"
        if each.used:
            out.print(f"{name}: headings in row {each.header_row}, {each.rows} rows")
        else:
            out.print(f"{name}: not read")
    if found.left_out:
        out.print(f"{found.left_out} rows are no appointments (totals, headings, sections).")
    for column in found.columns:
        out.print(f"  {column.field} = “{column.heading}”: {', '.join(column.samples)}")
    if found.ignored:
        out.print(f"Not used: {', '.join(found.ignored)}")
    if found.date_order:
        out.print(f"Dates are {found.date_order} ({found.proved_by or 'not proved'})")
    for status in found.statuses:
        asked = " (asked)" if status.asked else ""
        out.print(f"  status “{status.word}”: {status.count} rows, {status.means}{asked}")
    for person in found.practitioners:
        who = person.id or (f"new, near {person.near}" if person.near else "new")
        out.print(f"  practitioner “{person.name}”: {person.count} rows, {who}")
    if found.questions:
        out.print(question_words(found.questions))
