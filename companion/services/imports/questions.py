"""Questions: what a file leaves open, and the answers that say it.

A question is a value: whoever reads a file or compares it with the book makes it, the page and
the command line show it, and an import with an open one applies nothing. Answers are plain texts
by the question's key. They are given with one import (`--answer KEY=VALUE`), kept with the source
and not asked for again. Keys, part of the commands' contract:

    date_order            dmy, mdy, ymd
    status:WORD           booked, cancelled
    column:FIELD          a heading, or none
    practitioner:NAME     a practitioner's id, or new; practitioner:* for a whole file
    length_unit           minutes, hours, seconds
    length                minutes, where a file gives neither end nor length
    timezone, header_row, sheets
    same:SOURCE           skip, add, take_over
    titles                {client_name} - {type}; never asked: what the titles are made of;
                          several with | between them, \\| where titles hold that sign
    groups                one, each; never asked: attendees of one group as one event, or one each
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Answers = Mapping[str, str]
"""By a question's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerChoice:
    value: str
    """What is answered: a word, an id, a heading."""
    label: str = ""
    """As a person reads it; empty where that is the value itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    key: str
    about: str
    """What it is about, in one or two words: a column's heading, a name, a status word."""
    text: str
    """One plain sentence; it may name people of the file, so it goes into no log."""
    choices: tuple[AnswerChoice, ...]
    """Empty where any text may be the answer."""
    guess: str
    """The program's own answer, taken by ``--yes``; empty where it has none."""
    count: int
    """Rows that it concerns."""
    example: str = ""
    """One of these rows, as far as it helps."""

    @property
    def kind(self) -> str:
        """The key without its name: ``status`` of ``status:DNA``."""
        return self.key.partition(":")[0]


def folded_key(key: str) -> str:
    """A key as compared: names in it without regard to case and spaces."""
    return " ".join(key.split()).casefold()


def open_questions(questions: Iterable[Question], answers: Answers) -> tuple[Question, ...]:
    """Those that nobody has answered."""
    said = {folded_key(key) for key in answers}
    return tuple(each for each in questions if folded_key(each.key) not in said)


def with_guesses(questions: Iterable[Question], answers: Answers) -> dict[str, str]:
    """`answers`, and the program's guess wherever one is missing and there is a guess."""
    guessed = {each.key: each.guess for each in open_questions(questions, answers) if each.guess}
    return {**answers, **guessed}
