"""Questions of an import on the page: what the file leaves open, each with the program's guess."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from nicegui import ui

from companion.services.imports.questions import Question
from companion.web.ui import formatting
from companion.web.ui.error_reports import report_errors
from companion.web.ui.theme import box, button, card, text


class ImportQuestions:
    """One field for each question; answered all at once, so that the file is read again once."""

    def __init__(
        self,
        questions: Sequence[Question],
        on_answer: Callable[[Mapping[str, str]], Awaitable[None]],
    ) -> None:
        self._on_answer = on_answer
        self._fields: dict[str, ui.select | ui.input] = {}
        with card("What the file leaves open"):
            text("Nothing is applied before this is answered; it is asked only once.", "card__lead")
            for question in questions:
                with box("columns"):
                    with box("stack"):
                        text(question.text, "strong")
                        count = formatting.counted(question.count, "row")
                        example = f", such as {question.example}" if question.example else ""
                        text(f"{count}{example}", "soft small")
                    self._fields[question.key] = _field(question)
            button("Answer", report_errors(self._answer), look="primary", icon="check")

    async def _answer(self) -> None:
        said = {key: str(field.value or "").strip() for key, field in self._fields.items()}
        await self._on_answer({key: value for key, value in said.items() if value})


def _field(question: Question) -> ui.select | ui.input:
    label = question.about[:1].upper() + question.about[1:]
    field: ui.select | ui.input
    if question.choices:
        options = {each.value: each.label or each.value for each in question.choices}
        guess = question.guess if question.guess in options else None
        field = ui.select(options, value=guess, label=label)
    else:
        field = ui.input(label, value=question.guess)
    field.classes("field").props("outlined")
    return field
