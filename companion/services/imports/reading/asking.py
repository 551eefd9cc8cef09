"""Asking: what to read on with where a file leaves something open.

`AskedQuestions.settle` gives the answer that was given, or the question's own guess, and keeps the
question. So one reading finds every question, and a preview can be shown under the guesses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from companion.domain.appointments import Practitioner
from companion.domain.errors import BadInput
from companion.services.imports.questions import AnswerChoice, Question, folded_key

NONE = "none"
BOOKED = "booked"
CANCELLED = "cancelled"
NEW = "new"
EVERYBODY = "practitioner:*"
"""The question of whose appointments these are, where the file names nobody."""
_ALLOWED: Mapping[str, Sequence[str] | None] = {
    "date_order": ("dmy", "mdy", "ymd"),
    "status": (BOOKED, CANCELLED),
    "length_unit": ("minutes", "hours", "seconds"),
    "same": ("skip", "add", "take_over"),
    "groups": ("one", "each"),
    "column": None,
    "practitioner": None,
    "timezone": None,
    "header_row": None,
    "sheets": None,
    "length": None,
    "titles": None,
    "clock": ("12", "24"),
}
"""Kinds of questions, and their answers where these do not depend on the file."""


def plain_choices(*values: str) -> tuple[AnswerChoice, ...]:
    return tuple(AnswerChoice(value=each) for each in values)


@dataclass(slots=True)
class AskedQuestions:
    given: Mapping[str, str] = field(default_factory=dict)
    """By key; a word or name in a key is compared without regard to case and spaces."""
    asked: dict[str, Question] = field(default_factory=dict)
    """Every question that has come up, answered or not, in the order met."""
    _folded: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._folded = {folded_key(key): value.strip() for key, value in self.given.items()}

    def answer(self, key: str) -> str | None:
        """The answer given, whether or not the question has come up."""
        return self._folded.get(folded_key(key))

    def note(self, question: Question) -> None:
        """One whose answer has been obeyed already, or whose guess has."""
        self.asked.setdefault(question.key, question)

    def settle(self, question: Question) -> str:
        """What to read on with. Raises BadInput for an answer that is none of the choices."""
        self.note(question)
        answer = self.answer(question.key)
        if answer is None:
            return question.guess
        for each in question.choices:
            if answer.casefold() in {each.value.casefold(), each.label.casefold()}:
                return each.value
        if question.kind == "column":
            return question.guess  # the answer is of an earlier file that had such a column
        if not question.choices:
            return answer
        listed = ", ".join(each.value for each in question.choices[:12])
        raise BadInput(
            f"“{answer}” is no answer to {question.key}.",
            f"Choose one of: {listed}.",
            field=question.key,
        )

    @property
    def open(self) -> tuple[Question, ...]:
        return tuple(each for key, each in self.asked.items() if self.answer(key) is None)


def whose_question(people: Sequence[Practitioner], about: str, guess: str, rows: int) -> Question:
    """Of a file that names nobody."""
    return Question(
        key=EVERYBODY,
        about=about,
        text="Nothing says whose these appointments are. Whose are they?",
        choices=tuple(AnswerChoice(value=each.id, label=each.name) for each in people),
        guess=guess,
        count=rows,
    )


def answers_of(pairs: Iterable[str]) -> dict[str, str]:
    """From ``KEY=VALUE`` texts; a key may hold "=" itself, so the last one separates. Raises
    BadInput for what could be right for no file."""
    answers = {}
    for pair in pairs:
        key, separator, value = pair.rpartition("=")
        kind = key.strip().partition(":")[0]
        if not separator or not value.strip() or kind not in _ALLOWED:
            raise BadInput(
                f"“{pair[:80]}” is no answer.",
                "Write --answer KEY=VALUE with the key of the question, such as date_order=dmy.",
                field="answer",
            )
        allowed = _ALLOWED[kind]
        if allowed is not None and value.strip().casefold() not in allowed:
            raise BadInput(
                f"“{value[:40]}” is no answer to {key[:80]}.",
                f"Choose one of: {', '.join(allowed)}.",
                field="answer",
            )
        answers[key.strip()] = value.strip()
    return answers
