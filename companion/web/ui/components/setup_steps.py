"""SetupSteps: how far a practitioner's set-up is, and each step of it; `step` is a guide's card."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from markupsafe import Markup

from companion.services.settings.setup import SetupProgress
from companion.web.ui.components.folds import Fold, fold
from companion.web.ui.static_html import StaticHtml, icon, tag
from companion.web.ui.theme import box, card, set_class, text

UPLOAD = 9


def anchor(number: int) -> str:
    return f"step-{number}"


class StepNumber(StaticHtml):
    """A step's number, or a tick when it is done."""

    def __init__(self, number: int, *, done: bool) -> None:
        self._number = number
        done_too = " step__number--done" if done else ""
        super().__init__(self._mark(done=done), f"step__number{done_too}")

    def show(self, *, done: bool) -> None:
        self.content = self._mark(done=done)
        set_class(self, "step__number--done", on=done)

    def _mark(self, *, done: bool) -> Markup:
        number = self._number
        return icon("check", name=f"Step {number}, done") if done else tag("span", str(number))


@contextmanager
def step(number: int, title: str, *, done: bool = False) -> Iterator[StepNumber]:
    with card(classes="step") as outer:
        outer.props(f"id={anchor(number)}")
        mark = StepNumber(number, done=done)
        with box("step__body"):
            heading = text(title, tag="h2")
            yield mark
    outer.props(f"role=region aria-labelledby={heading.html_id}")


class SetupSteps:
    """How many steps are done, and below it each step, folded once it is."""

    def __init__(self, progress: SetupProgress) -> None:
        self._shown = progress
        self._numbers: dict[int, StepNumber] = {}
        self._line = text(_line(progress), "soft").props("role=status")

    @contextmanager
    def step(self, number: int, title: str, said: str = "") -> Iterator[Fold]:
        """A step, ticked while it is done; `said`: how it stands, seen while it is folded."""
        done = any(each.done for each in self._shown.steps if each.number == number)

        def mark() -> None:
            self._numbers[number] = StepNumber(number, done=done)

        # Signing in takes what steps 2 to 4 hold: they are seen together.
        opened = number in self._shown.to_connect and not (done and number == 1)
        with fold(title, said=said, opened=opened, mark=mark) as made:
            made.element.props(f"id={anchor(number)}")
            yield made

    def answer(self, number: int) -> bool | None:
        """Of a step that is a check; None before it was made."""
        found = self._shown.steps[number - 1]
        return True if found.done else False if found.failed else None

    def show(self, progress: SetupProgress) -> None:
        if progress == self._shown:
            return
        self._shown = progress
        for each in progress.steps:
            if each.number in self._numbers:
                self._numbers[each.number].show(done=each.done)
        self._line.set_text(_line(progress))


def _line(progress: SetupProgress) -> str:
    count = len(progress.steps)
    if progress.current is None:
        return f"All {count} steps are done."
    return f"{progress.done} of {count} steps done."
