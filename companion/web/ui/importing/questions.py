"""Questions of an import on the page: what the file leaves open, each with the program's guess.

All of them stand together and are answered at once, so that the file is read again once. Those
that have been answered stay below the open ones and can be answered otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from nicegui import ui

from companion.domain.errors import BadInput
from companion.services.imports.questions import Answers, Question, folded_key
from companion.web.ui import formatting
from companion.web.ui.theme import box, button, card, text

MOST_BUTTONS = 6
"""More choices than that are a list."""
_Field = ui.radio | ui.select | ui.input


class ImportQuestions:
    def __init__(
        self,
        questions: Sequence[Question],
        answers: Answers,
        on_answer: Callable[[Mapping[str, str]], Awaitable[None]],
        *,
        people: Mapping[str, str],
    ) -> None:
        """`answers`: those given so far. `people`: every practitioner's name by id; a name of the
        file may be anybody's."""
        self._on_answer = on_answer
        self._people = people
        self._given = {folded_key(key): value for key, value in answers.items()}
        self._fields: dict[str, _Field] = {}
        waiting = [each for each in questions if folded_key(each.key) not in self._given]
        said = [each for each in questions if folded_key(each.key) in self._given]
        with card("What the file leaves open" if waiting else "Your answers"):
            if waiting:
                number = len(waiting)
                what = "One question" if number == 1 else f"{formatting.number(number)} questions"
                if any(each.guess for each in waiting):
                    remembered = "Our guess is chosen already; answers are remembered"
                else:
                    remembered = "Answers are remembered"
                text(
                    f"{what} before anything is imported. {remembered} for the next file.",
                    "card__lead",
                )
            for question in waiting:
                self._ask(question)
            if waiting and said:
                text("Answered", "strong")
            for question in said:
                self._ask(question)
            with box("actions"):
                button(
                    "Use these answers",
                    self._answer,
                    look="primary" if waiting else "second",
                    icon="check",
                )

    def _ask(self, question: Question) -> None:
        with box("question", tag="fieldset"):
            text(question.text, "strong", tag="legend")
            parts = [formatting.counted(question.count, "row")]
            parts += [f"such as {question.example}"] if question.example else []
            if question.guess:
                parts.append(f"our guess: {self._options(question).get(question.guess, '')}")
            text("; ".join(parts), "soft small")
            self._fields[question.key] = self._field(question)

    def _options(self, question: Question) -> dict[str, str]:
        options = {each.value: each.label or each.value for each in question.choices}
        if question.kind == "practitioner" and len(self._people) <= len(options) + MOST_BUTTONS:
            return options | {key: name for key, name in self._people.items() if key not in options}
        return options or {question.guess: question.guess}

    def _field(self, question: Question) -> _Field:
        label = question.about[:1].upper() + question.about[1:]
        value = self._given.get(folded_key(question.key), question.guess)
        if not question.choices:
            field = ui.input(label, value=value)
            return field.classes("field").props("outlined")
        options = self._options(question)
        chosen = value if value in options else None
        if len(options) > MOST_BUTTONS:
            select = ui.select(options, value=chosen, label=label)
            return select.classes("field").props("outlined")
        radio = ui.radio(options, value=chosen)
        radio.props["aria-label"] = label
        return radio

    async def _answer(self) -> None:
        said = {key: str(field.value or "").strip() for key, field in self._fields.items()}
        given = {key: value for key, value in said.items() if value}
        if not given:
            raise BadInput("No question has an answer yet.", "Choose one of the answers.")
        await self._on_answer(given)
