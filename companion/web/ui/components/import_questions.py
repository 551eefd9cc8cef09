"""What a file leaves open, above its preview: one line each, with the program's guess marked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from nicegui import ui

from companion.web.ui import formatting
from companion.web.ui.error_reports import report_errors
from companion.web.ui.theme import box, card, text

if TYPE_CHECKING:
    from companion.services.imports.questions import Question


def ask_questions(
    questions: tuple[Question, ...],
    answers: dict[str, str],
    on_answer: Callable[[Question], Awaitable[None]],
) -> None:
    """Each choice is put into `answers` before `on_answer` is told of it."""
    with card("The file leaves something open"):
        text("Nothing is imported before you have said it; it is kept for the next file.")
        for each in questions:
            with box("columns"):
                with box("stack"):
                    text(each.text, "strong")
                    rows = formatting.counted(each.count, "row")
                    text(f"{rows}; {each.example}" if each.example else rows, "soft small")
                _field(each, answers, on_answer)


def _field(
    question: Question,
    answers: dict[str, str],
    on_answer: Callable[[Question], Awaitable[None]],
) -> None:
    async def answer(field: object) -> None:
        chosen = str(getattr(field, "value", "") or "").strip()
        if chosen and answers.get(question.key) != chosen:
            answers[question.key] = chosen
            await on_answer(question)

    label = f"Answer about {question.about}"
    if not question.choices:
        entry = ui.input(label, value=answers.get(question.key, question.guess))
        entry.classes("field").props("outlined")
        entry.on("keydown.enter", report_errors(lambda: answer(entry)))
        entry.on("blur", report_errors(lambda: answer(entry)))
        return
    options = {
        each.value: f"{each.label or each.value}{' (our guess)' * (each.value == question.guess)}"
        for each in question.choices
    }
    known = answers.get(question.key)
    choice = ui.select(options, value=known if known in options else None, label=label)
    choice.on_value_change(report_errors(answer))
    choice.classes("field").props("outlined")
