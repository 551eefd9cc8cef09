"""SetupSteps: the head of a practitioner's page, saying how far they are and where to go on."""

from __future__ import annotations

from nicegui import ui

from companion.services.settings.setup import Progress
from companion.web.ui.theme import box, card, link_button, text

UPLOAD = 9


def anchor(number: int) -> str:
    return f"step-{number}"


class SetupSteps:
    def __init__(self, progress: Progress) -> None:
        self._shown: Progress | None = None
        with card("Set-up") as outer:
            outer.props("role=region")
            self._place = box("stack")
        self.show(progress)

    def show(self, progress: Progress) -> None:
        if progress == self._shown:
            return
        self._shown = progress
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
            with box("steps", tag="ol"):
                for each in progress.steps:
                    with box("steps__item", tag="li"):
                        name = "check_circle" if each.done else "radio_button_unchecked"
                        icon = ui.icon(name).classes("steps__done" if each.done else "soft")
                        icon.props(f'role=img aria-label="{"Done" if each.done else "To do"}"')
                        link = text(f"{each.number} {each.title}", tag="a")
                        link.props["href"] = f"#{anchor(each.number)}"
                        if each == current:
                            link.props('aria-current="step"')
            if current is not None and progress.done:
                link_button(
                    f"Go on with step {current.number}",
                    f"#{anchor(current.number)}",
                    icon="arrow_downward",
                )
