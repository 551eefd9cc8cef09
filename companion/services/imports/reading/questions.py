"""Questions: what a file leaves open, each with the program's own guess; and the answers.

A question is a value. `Answers.settle` gives what to read on with: the answer given, else the
guess, in which case the question stays in `open` (or is taken as answered where guesses are
welcome). Keys are those of the command line: ``date_order``, ``status:WORD``, ``column:FIELD``,
``practitioner:NAME``, ``length_unit``, ``timezone``, ``header_row``, ``sheets``, ``length``,
``same:SOURCE``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from companion.domain.errors import BadInput

NONE = "none"
BOOKED = "booked"
CANCELLED = "cancelled"
NEW = "new"
EVERYBODY = "practitioner:*"
"""The question of whose appointments these are, where the file names nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    value: str
    label: str
    """For a person; may be the value itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    key: str
    about: str
    """An example of the file: its row number and the cells in question."""
    text: str
    """What a person is asked, as one sentence."""
    choices: tuple[Choice, ...]
    """Empty for a free answer."""
    guess: str
    """Empty where the program has none."""
    count: int
    """Rows that the answer decides."""


def choices(*values: str) -> tuple[Choice, ...]:
    return tuple(Choice(value=each, label=each) for each in values)


@dataclass(slots=True)
class Answers:
    given: Mapping[str, str] = field(default_factory=dict)
    """By key; a word or name in a key is compared without regard to case."""
    take_guesses: bool = False
    open: list[Question] = field(default_factory=list)
    """Asked and not answered, in the order met."""
    settled: dict[str, str] = field(default_factory=dict)
    """Every question that arose, to its answer, where there is one."""
    _folded: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._folded = {_fold(key): value.strip() for key, value in self.given.items()}

    def get(self, key: str) -> str | None:
        """The answer given, whether or not the question has come up."""
        return self._folded.get(_fold(key))

    def settle(self, question: Question) -> str:
        """What to read on with. Raises BadInput for an answer that is none of the choices."""
        answer = self.get(question.key)
        if answer is not None:
            answer = _chosen(question, answer)
        elif self.take_guesses and question.guess:
            answer = question.guess
        if answer is None:
            if all(each.key != question.key for each in self.open):
                self.open.append(question)
            return question.guess
        self.settled[question.key] = answer
        return answer


def _chosen(question: Question, answer: str) -> str:
    if not question.choices:
        return answer
    for each in question.choices:
        if answer.casefold() in {each.value.casefold(), each.label.casefold()}:
            return each.value
    listed = ", ".join(each.value for each in question.choices[:12])
    raise BadInput(
        f"“{answer}” is no answer to {question.key}.",
        f"Choose one of: {listed}.",
        field=question.key,
    )


def answers_of(pairs: Iterable[str]) -> dict[str, str]:
    """From ``KEY=VALUE`` texts. A key may hold "=" itself where a heading or name does: the last
    one separates. Raises BadInput."""
    answers = {}
    for pair in pairs:
        key, separator, value = pair.rpartition("=")
        kind = key.partition(":")[0]
        if not separator or kind not in KINDS:
            raise BadInput(
                f"“{pair[:80]}” is no answer.",
                "Write --answer KEY=VALUE with the key of the question, such as date_order=dmy.",
                field="answer",
            )
        answers[key.strip()] = value.strip()
    return answers


KINDS = frozenset({
    "date_order", "status", "column", "practitioner", "length_unit", "timezone", "header_row",
    "sheets", "length", "same",
})  # fmt: skip


def checked(answers: Mapping[str, str]) -> Mapping[str, str]:
    """Answers whose values could not be right for any file are refused. Raises BadInput."""
    allowed: Mapping[str, Sequence[str]] = {
        "date_order": ("dmy", "mdy", "ymd"),
        "status": (BOOKED, CANCELLED),
        "length_unit": ("minutes", "hours", "seconds"),
        "same": ("skip", "add"),
    }
    for key, value in answers.items():
        kind = key.partition(":")[0]
        if kind not in KINDS:
            raise BadInput(f"“{key[:80]}” is no question of an import.", field="answer")
        if kind in allowed and value.casefold() not in allowed[kind]:
            raise BadInput(
                f"“{value[:40]}” is no answer to {key[:80]}.",
                f"Choose one of: {', '.join(allowed[kind])}.",
                field=key,
            )
    return answers


def _fold(key: str) -> str:
    return " ".join(key.split()).casefold()
