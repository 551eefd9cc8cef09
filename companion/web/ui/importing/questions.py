"""Questions of an import on the page: what the file leaves open, with the program's guess if any.

All of them stand together and are answered at once, so that the file is read again once: while one
has no answer it is marked, and nothing is sent. Those that have been answered stay below the open
ones and can be answered otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from nicegui import ui

from companion.services.imports.questions import Answers, Question, folded_key
from companion.web.ui import formatting
from companion.web.ui.importing.wording import FILE, ImportWording
from companion.web.ui.theme import box, button, card, set_class, text

MOST_BUTTONS = 6
"""More choices than that are a list."""
_Field = ui.radio | ui.select | ui.input | ui.checkbox


@dataclass(frozen=True, slots=True, kw_only=True)
class _QuestionFields:
    place: ui.element
    field: _Field
    lone: str
    """The only answer there is, where that is a box to tick; else empty."""
    missing: ui.element
    """Says that there is no answer yet."""

    @property
    def answer(self) -> str:
        value = self.field.value
        if self.lone:
            return self.lone if value else ""
        return str(value or "").strip()

    def mark(self, *, missing: bool) -> None:
        set_class(self.place, "question--missing", on=missing)
        self.missing.set_visibility(missing)


class ImportQuestions:
    def __init__(
        self,
        questions: Sequence[Question],
        answers: Answers,
        on_answer: Callable[[Mapping[str, str]], Awaitable[None]],
        people: Mapping[str, str],
        wording: ImportWording = FILE,
    ) -> None:
        """`answers`: those given so far. `people`: every practitioner's name by id; a name of the
        file may be anybody's."""
        self._on_answer = on_answer
        self._people = people
        self._wording = wording
        self._given = {folded_key(key): value for key, value in answers.items()}
        self._fields: dict[str, _QuestionFields] = {}
        waiting = [each for each in questions if folded_key(each.key) not in self._given]
        said = [each for each in questions if folded_key(each.key) in self._given]
        with card(wording.leaves_open if waiting else "Your answers"):
            if waiting:
                number = len(waiting)
                what = "One question" if number == 1 else f"{formatting.number(number)} questions"
                text(
                    f"{what} before anything is imported. {self._guessed(waiting)} for "
                    f"{wording.next}.",
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

    def _guessed(self, waiting: Sequence[Question]) -> str:
        guesses = sum(bool(self._guess(each)) for each in waiting)
        if not guesses:
            return "Answers are remembered"
        where = "Our guess" if guesses == len(waiting) else "Where we have a guess, it"
        return f"{where} is chosen already; answers are remembered"

    def _ask(self, question: Question) -> None:
        with box("question", tag="fieldset") as place:
            place.props("tabindex=-1")
            text(question.text, "strong", tag="legend")
            parts = [formatting.counted(question.count, self._wording.row)]
            parts += [f"such as {question.example}"] if question.example else []
            if guess := self._guess(question):
                parts.append(f"our guess: {self._options(question)[guess]}")
            text("; ".join(parts), "soft small")
            options = self._options(question)
            lone = next(iter(options)) if question.choices and len(options) == 1 else ""
            field = self._field(question)
            missing = text("This has no answer yet.", "question__missing small")
            missing.props("role=alert").set_visibility(False)
        asked = _QuestionFields(place=place, field=field, lone=lone, missing=missing)
        field.on_value_change(lambda: asked.mark(missing=False))
        self._fields[question.key] = asked

    def _guess(self, question: Question) -> str:
        """Empty where there is none, or where it is none of the choices."""
        return question.guess if question.guess in self._options(question) else ""

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
        if len(options) == 1:
            return ui.checkbox(next(iter(options.values())), value=chosen is not None)
        radio = ui.radio(options, value=chosen)
        radio.props["aria-label"] = label
        return radio

    async def _answer(self) -> None:
        said = {key: each.answer for key, each in self._fields.items()}
        for key, each in self._fields.items():
            each.mark(missing=not said[key])
        open_ones = [each for key, each in self._fields.items() if not said[key]]
        if not open_ones:
            await self._on_answer(said)
            return
        place = f"document.getElementById('{open_ones[0].place.html_id}')"
        ui.run_javascript(f"{place}.scrollIntoView({{block: 'center'}}); {place}.focus()")
