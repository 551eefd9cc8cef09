"""EditQueue: changes of the settings that wait for their turn, and are then made together.

For a practice of two hundred, writing several costs as much as writing one. Where one of them
fails, each is made alone, so that nobody gets another's error.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from companion.domain.settings import Settings

Edit = Callable[[Settings], Settings]
Answer = tuple[Settings, Settings]
"""Before and after."""


@dataclass(slots=True, eq=False)
class WaitingEdit:
    edit: Edit
    answer: Future[Answer] = field(default_factory=Future)


class EditQueue:
    """Of any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[WaitingEdit] = []

    def add(self, edit: Edit) -> tuple[WaitingEdit, bool]:
        """And whether it is the first: whoever added that sees to all that follow."""
        waiting = WaitingEdit(edit)
        with self._lock:
            self._waiting.append(waiting)
            return waiting, len(self._waiting) == 1

    def take(self) -> list[WaitingEdit]:
        """All that wait and were not given up; the next one added is a first again."""
        with self._lock:
            taken, self._waiting = self._waiting, []
        return [each for each in taken if each.answer.set_running_or_notify_cancel()]


def edited(first: Settings, edits: Sequence[Edit]) -> list[Answer]:
    """One after the other; raises what an edit raises."""
    last, answers = first, []
    for edit in edits:
        before, last = last, edit(last)
        answers.append((before, last))
    return answers


def hand_out(waiting: Sequence[WaitingEdit], answers: Sequence[Answer]) -> None:
    for each, answer in zip(waiting, answers, strict=True):
        each.answer.set_result(answer)


def refuse(waiting: Sequence[WaitingEdit], error: BaseException) -> None:
    """All that have no answer yet."""
    for each in waiting:
        if not each.answer.done():
            each.answer.set_exception(error)
