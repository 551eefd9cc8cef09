"""The shape of a source: the headings that its fields had, and what became of them.

Software that is updated renames a column, or leaves one out. Read as if nothing had happened,
a lost *Cancelled* would bring every cancelled appointment back. So a heading that was there last
time and is not there now is asked about, with both names: ``column:FIELD``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from companion.services.imports.questions import AnswerChoice, Question
from companion.services.imports.reading.asking import NONE
from companion.services.imports.reading.headings import squeezed

_HELPERS = frozenset({"created", "created_by", "updated", "reminder"})
"""Fields whose absence changes no appointment."""
_DECISIVE = frozenset({"cancelled", "status"})
"""Going on without these may bring back what was cancelled: nobody guesses that."""


def shape_questions(
    before: Mapping[str, str], now: Mapping[str, str], headings: Sequence[str], rows: int
) -> tuple[Question, ...]:
    """`before`, `now`: heading of each field. `headings`: all of the file; `rows`: of data. An
    empty file has lost nothing."""
    if not rows:
        return ()
    gone = _gone(before, headings)
    return tuple(_question(field, old, now, headings, rows) for field, old in gone.items())


def mostly_gone(before: Mapping[str, str], headings: Sequence[str]) -> bool:
    """Is it another kind of file, without more than half of the headings that counted?"""
    counted = before.keys() - _HELPERS
    return 2 * len(_gone(before, headings)) > len(counted)


def _gone(before: Mapping[str, str], headings: Sequence[str]) -> dict[str, str]:
    here = {squeezed(each) for each in headings}
    return {
        field: old
        for field, old in before.items()
        if field not in _HELPERS and squeezed(old) not in here
    }


def without_stale(answers: Mapping[str, str], headings: Sequence[str]) -> dict[str, str]:
    """Kept answers, but for those that name a heading which this file has not."""
    here = {squeezed(each) for each in headings} | {squeezed(NONE)}
    return {
        key: value
        for key, value in answers.items()
        if not key.startswith("column:") or squeezed(value) in here
    }


def _question(
    field: str, old: str, now: Mapping[str, str], headings: Sequence[str], rows: int
) -> Question:
    taken = {heading for key, heading in now.items() if key != field}
    free = [each for each in headings if each and each not in taken]
    near = get_close_matches(old.casefold(), [each.casefold() for each in free], 1, 0.7)
    likely = now.get(field) or next((e for e in free if near and e.casefold() == near[0]), "")
    text = (
        f"The column “{old}” is gone; is “{likely}” what it is called now?"
        if likely
        else f"The column “{old}” is gone, and no other holds the same. Go on without it?"
    )
    ordered = sorted(free, key=lambda each: each != likely)
    return Question(
        key=f"column:{field}",
        about=old,
        text=text,
        choices=(
            *(AnswerChoice(value=each) for each in ordered),
            AnswerChoice(value=NONE, label="None: go on without it"),
        ),
        guess=likely or ("" if field in _DECISIVE else NONE),
        count=rows,
    )
