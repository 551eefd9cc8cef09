"""What a preview and a report say: totals, how the file was read, status words, new people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from companion.services.imports.questions import Answers, folded_key
from companion.web.ui import formatting
from companion.web.ui.error_reports import report_errors
from companion.web.ui.importing.column_choices import FIELD_LABELS
from companion.web.ui.importing.rows import PreviewRows
from companion.web.ui.importing.wording import FILE, ImportWording
from companion.web.ui.static_html import table_of_rows, tag
from companion.web.ui.theme import box, button, card, scrolling, text

if TYPE_CHECKING:
    from companion.services.imports.importing import ImportPreview, ImportReport

CREATE = "new"
MOST_WORDS = 30
"""More status words than that are listed without their choice."""
MOST_PEOPLE = 24
_MEANINGS = {"booked": "Booked: it takes place", "cancelled": "Cancelled: it does not"}
_ORDERS = {"dmy": "day before month", "mdy": "month before day", "ymd": "year first"}


def totals(what: ImportPreview | ImportReport, *, done: bool = False) -> str:
    """One sentence; no names."""
    number = formatting.number
    counts = (
        (what.added, "adds", "added"),
        (what.changed, "changes", "changed"),
        (what.removed, "removes", "removed"),
    )
    parts = [
        f"{number(count)} {did}" if done else f"{does} {number(count)}"
        for count, does, did in counts
        if count
    ]
    first = f"{'' if done else 'Importing '}{', '.join(parts)}" if parts else "Nothing changes"
    rest = [
        f"{number(count)} {words}"
        for count, words in (
            (what.unchanged, "the same already"),
            (what.older, "older than the book's, left alone"),
            (sum(each.count for each in what.kept), "not removed"),
        )
        if count
    ]
    if what.cancelled:
        first += f" ({number(what.cancelled)} of them cancelled)"
    if what.rejected:
        rest.append(f"{formatting.counted(len(what.rejected), 'row')} cannot be used")
    return f"{'; '.join([first, *rest])}."


def tallies(what: ImportPreview | ImportReport, *, held: bool = False) -> None:
    counts = [
        ("added", what.added, False),
        ("changed", what.changed, False),
        ("removed", what.removed, held),
        ("unchanged", what.unchanged, False),
        ("rejected", len(what.rejected), True),
    ]
    kept = sum(each.count for each in what.kept)
    seldom = (("cancelled", what.cancelled), ("older", what.older), ("not removed", kept))
    counts += [(name, count, False) for name, count in seldom if count]
    with box("tallies", tag="ul"):
        for name, count, bad in counts:
            with box("tally tally--bad" if bad and count else "tally", tag="li"):
                text(formatting.number(count), tag="strong")
                text(name, "soft small", tag="span")


def what_happens(preview: ImportPreview, wording: ImportWording = FILE) -> None:
    how = "as a whole book" if preview.snapshot else "changes only"
    text(totals(preview), "strong")
    text(f"{preview.file_name}, as source “{preview.source}”: {preview.layout}, {how}.", "soft")
    tallies(preview, held=bool(preview.held))
    _say_kept(preview)
    if preview.creates:
        text(f"New practitioners: {', '.join(preview.creates)}.")
    if preview.samples:
        PreviewRows(preview.samples, wording)


def _say_kept(what: ImportPreview | ImportReport) -> None:
    for each in what.kept:
        text(f"{formatting.counted(each.count, 'appointment')} not removed: {each.why}.", "small")


def say_how_read(preview: ImportPreview, wording: ImportWording = FILE) -> None:
    """Columns and their values, what is ignored, the order of day and month."""
    reading = preview.reading
    with card(wording.how_read):
        text(f"Matched by {preview.matched_by}. {preview.why_whole}".strip(), "soft")
        order = reading.order
        if order.order is not None:
            proof = f": {order.proved_by}" if order.proved_by else ""
            text(f"Dates are read {_ORDERS[order.order.value]}{proof}.")
        if reading.footers:
            text(
                f"{formatting.counted(reading.footers, 'row')} left out: totals, titles, repeated "
                "headings."
            )
        for note in preview.notes:
            text(note)
        ignored = [each for each in reading.ignored if each]
        if ignored:
            listed = ", ".join(f"“{each}”" for each in ignored)
            text(f"{formatting.counted(len(ignored), 'column')} not used: {listed}.")
        rows = [
            tag(
                "tr",
                tag("td", each.heading, data_label="Column"),
                tag("td", FIELD_LABELS.get(each.field, each.field), data_label="Holds"),
                tag("td", " · ".join(each.samples) or "–", data_label="Such as"),
            )
            for each in reading.columns
        ]
        if rows:
            with scrolling("How each column is read"):
                table_of_rows(("Column", "Holds", "Such as"), rows, "table table--stacked")


def status_words(
    preview: ImportPreview,
    on_answer: Callable[[Mapping[str, str]], Awaitable[None]],
    wording: ImportWording = FILE,
) -> None:
    """Each word with its count and meaning; a meaning can be changed."""
    waiting = {folded_key(each.key) for each in preview.open}
    words = [each for each in preview.reading.statuses if each.word]
    if not words:
        return
    with card("Status words"):
        text(wording.words, "card__lead")
        fields: dict[str, ui.select] = {}
        rest = []
        for each in words:
            key = f"status:{each.word}"
            count = formatting.counted(each.count, wording.row)
            if folded_key(key) in waiting:
                with box("column-row"):
                    _word(each.word, f"{count}; asked above")
                continue
            if len(fields) >= MOST_WORDS:
                rest.append(f"“{each.word}” ({count}): {each.means}")
                continue
            with box("column-row"):
                _word(each.word, count)
                select = ui.select(_MEANINGS, label=f"“{each.word}” means", value=each.means)
                fields[key] = select.classes("field").props("outlined options-dense")
        if rest:
            text("; ".join(rest), "small")
        before = {key: field.value for key, field in fields.items()}

        async def change() -> None:
            changed = {
                key: str(field.value) for key, field in fields.items() if field.value != before[key]
            }
            if changed:
                await on_answer(changed)

        if fields:
            with box("actions"):
                again = button("Read again with these meanings", change)
            again.set_visibility(False)
            for field in fields.values():
                field.on_value_change(lambda: again.set_visibility(True))


def _word(word: str, count: str) -> None:
    with box("stack stack--tight"):
        text(word, "strong")
        text(count, "soft small")


def new_people(
    preview: ImportPreview,
    people: Mapping[str, str],
    answers: Answers,
    decide: Callable[[str, str], Awaitable[None]],
) -> None:
    """Names nobody answers to and about which there is no question: created, or somebody's."""
    asked = {folded_key(each.key) for each in preview.questions}
    new = [
        each for each in preview.new_names if folded_key(f"practitioner:{each.name}") not in asked
    ]
    if not new:
        return
    given = {folded_key(key): value for key, value in answers.items()}
    with card("New names"):
        text(
            "No practitioner is known by these names. Each becomes a new practitioner, unless you "
            "say whose name it is.",
            "card__lead",
        )
        for each in new[:MOST_PEOPLE]:
            key = f"practitioner:{each.name}"
            count = formatting.counted(each.rows, "row")
            if not people:
                text(f"{each.name}: {count}")
                continue
            options = {CREATE: "Create as a new practitioner"}
            options |= {known: f"Is the same as {name}" for known, name in people.items()}
            with box("column-row"):
                _word(each.name, count)
                value = given.get(folded_key(key), CREATE)
                choice = ui.select(
                    options,
                    value=value if value in options else CREATE,
                    label=f"Who is {each.name}?",
                    on_change=report_errors(partial(_decided, decide, key)),
                )
                choice.classes("field").props("outlined options-dense")
        if len(new) > MOST_PEOPLE:
            text(f"And {formatting.number(len(new) - MOST_PEOPLE)} more.", "soft small")


async def _decided(decide: Callable[[str, str], Awaitable[None]], key: str, event: object) -> None:
    await decide(key, str(getattr(event, "value", CREATE)))


def say_report(report: ImportReport, file_name: str) -> None:
    with card("Imported"):
        text(totals(report, done=True), "strong")
        text(f"{file_name}, as source “{report.source}”.", "soft")
        tallies(report)
        _say_kept(report)
