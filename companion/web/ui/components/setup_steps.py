"""SetupSteps: how far a practitioner's set-up is, where to go on, and the card of each step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from markupsafe import Markup

from companion.services.settings.setup import SetupProgress, SetupStep
from companion.web.ui.static_html import StaticHtml, icon, tag
from companion.web.ui.theme import box, card, link_button, text

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
        self.classes(**{"add" if done else "remove": "step__number--done"})

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
    """The head, and the cards that its list leads to."""

    def __init__(self, progress: SetupProgress) -> None:
        self._shown: SetupProgress | None = None
        self._numbers: dict[int, StepNumber] = {}
        with card("Set-up") as outer:
            outer.props("role=region")
            self._place = box("stack")
        self.show(progress)

    @contextmanager
    def step(self, number: int, title: str) -> Iterator[None]:
        """The card of a step, ticked while it is done."""
        steps = self._shown.steps if self._shown else ()
        done = any(each.done for each in steps if each.number == number)
        with step(number, title, done=done) as mark:
            self._numbers[number] = mark
            yield

    def show(self, progress: SetupProgress) -> None:
        if progress == self._shown:
            return
        self._shown = progress
        for each in progress.steps:
            if each.number in self._numbers:
                self._numbers[each.number].show(done=each.done)
        self._place.clear()
        with self._place:
            current = progress.current
            count = len(progress.steps)
            line = (
                f"All {count} steps are done."
                if current is None
                else f"{progress.done} of {count} steps done. Next: {current.title}."
            )
            text(line, "strong").props("role=status")
            items = (_item(each, current=each == current) for each in progress.steps)
            StaticHtml(Markup("").join(items), "steps", tag="ol")
            if current is not None and progress.done:
                link_button(
                    f"Go on with step {current.number}",
                    f"#{anchor(current.number)}",
                    icon="arrow_downward",
                )


def _item(step: SetupStep, *, current: bool) -> Markup:
    look, name = ("steps__done", "Done") if step.done else ("soft", "To do")
    mark = icon("check_circle" if step.done else "radio_button_unchecked", look, name=name)
    here = {"aria_current": "step"} if current else {}
    words = f"{step.number} {step.title}"
    return tag(
        "li", mark, tag("a", words, href=f"#{anchor(step.number)}", **here), class_="steps__item"
    )
