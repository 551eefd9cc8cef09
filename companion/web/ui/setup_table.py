"""Who is set up: every practitioner with the state of each step, so it shows who is stuck where."""

from __future__ import annotations

from nicegui import ui

from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.services.settings.setup import STEPS, SetupProgress
from companion.web.ui import formatting
from companion.web.ui.components.setup_steps import anchor
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.theme import back_link, badge, box, card, frame, page_head, scrolling, text


def create(site: Site) -> None:
    @page(site, "/progress", Rule(Action.GOOGLE))
    async def progress() -> None:
        board = await site.live.board()
        filled = {each.practitioner.id for each in board.practitioners if each.last_sync}
        everybody = site.services.setup.everybody(filled)
        with frame(site, "Who is set up", active="/"):
            back_link()
            ready = sum(each.current is None for each in everybody)
            page_head(
                "Who is set up",
                f"{formatting.number(ready)} of "
                f"{formatting.counted(len(everybody), 'practitioner')} "
                f"{'is' if ready == 1 else 'are'} through all steps.",
            )
            with card():
                _table(everybody)


def _table(everybody: tuple[SetupProgress, ...]) -> None:
    if not everybody:
        text("No practitioners yet.", "soft")
        return
    with scrolling("Steps by practitioner"), box("table table--steps", tag="table"):
        with box(tag="thead"), box(tag="tr"):
            text("Practitioner", tag="th").props("scope=col")
            text("Next", tag="th").props("scope=col")
            for number, title in enumerate(STEPS, 1):
                with box(tag="th").props("scope=col") as heading:
                    text(str(number), tag="span")
                    text(title, "sr-only", tag="span")
                heading.props["title"] = title
        with box(tag="tbody"):
            for each in everybody:
                with box(tag="tr"):
                    _row(each)
    # Without a mouse there are no tooltips.
    names = (f"{number} {title}" for number, title in enumerate(STEPS, 1))
    text(" · ".join(names), "soft small").props("aria-hidden=true")


def _row(progress: SetupProgress) -> None:
    current = progress.current
    with box(tag="th").props("scope=row"):
        link = text(progress.name, tag="a")
        place = f"#{anchor(current.number)}" if current else ""
        link.props["href"] = f"/practitioner/{progress.practitioner_id}{place}"
    with box(tag="td"):
        if current is None:
            badge("All done", "ok")
        else:
            text(f"{current.number} {current.title}", tag="span")
    for step in progress.steps:
        with box(tag="td"):
            icon = ui.icon("check_circle" if step.done else "radio_button_unchecked")
            icon.classes("steps__done" if step.done else "soft")
            state = "done" if step.done else "to do"
            icon.props("role=img")
            icon.props["aria-label"] = f"{step.number} {step.title}: {state}"
            icon.props["title"] = f"{step.title}: {state}"
