"""Reports: what an import did, or why it waits, in words that a person reads afterwards."""

from __future__ import annotations

from companion.domain.appointments import Practitioner
from companion.services.imports.plan import ImportPlan
from companion.services.imports.previews import ImportPreview, ImportReport, rejected_rows
from companion.services.imports.questions import Question


def report_of(
    preview: ImportPreview,
    plan: ImportPlan,
    *,
    held: str = "",
    questions: tuple[Question, ...] = (),
    created: tuple[Practitioner, ...] = (),
) -> ImportReport:
    return ImportReport(
        source=preview.source,
        added=len(plan.new),
        changed=len(plan.altered),
        removed=len(plan.remove),
        unchanged=plan.unchanged,
        cancelled=plan.cancelled,
        older=plan.older,
        kept=plan.kept,
        rejected=rejected_rows(preview.content, plan),
        held=bool(held),
        why_held=held,
        questions=questions,
        created=created,
        matched_by=preview.matched_by,
        why_whole=preview.why_whole,
    )


FOR_AN_ADMINISTRATOR = (
    "Ask an administrator to import this file: it names somebody who is not known here by that "
    "name. What you answered is kept."
)


def why_waiting(waiting: tuple[Question, ...]) -> str:
    """It names nobody of the file: it goes into the activity list."""
    if not waiting:
        return ""
    kinds = sorted({_KINDS.get(each.kind, each.kind.replace("_", " ")) for each in waiting})
    number = "One question is" if len(waiting) == 1 else f"{len(waiting)} questions are"
    return f"{number} open, about {', '.join(kinds)}."


_KINDS = {
    "practitioner": "who is meant by a name",
    "status": "what a status means",
    "column": "what a column holds",
    "same": "appointments that are in the book already",
    "date_order": "the order of day and month",
    "length": "how long appointments are",
    "length_unit": "the unit of lengths",
    "timezone": "the time zone",
}
