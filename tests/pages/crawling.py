"""Presses everything on a page, and everything in each dialog that opens, as somebody would who
wants to see what the buttons do. The state is made anew for each way to a button."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from nicegui import background_tasks, ui
from nicegui.elements.mixins.text_element import TextElement

from companion.web.ui.components.dialogs import Dialog
from companion.web.ui.components.practitioner_card import PractitionerCard
from tests.fakes.services import FakeApplication
from tests.fakes.waiting import until
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import press

Way = tuple[str, ...]
"""Names of buttons, each in the dialog that the one before opened."""
Press = tuple[ui.element, str]
"""An element, and the event that it listens to."""
ELSEWHERE = ("Connect", "Colours")
"""Beginnings of names: to Google; and nothing to do with the page."""


def dialogs(visit: Visit) -> list[Dialog]:
    return [each for each in visit.elements(Dialog) if each.value]


def pressable(visit: Visit) -> dict[str, Press]:
    """By name: of the topmost dialog, else of the page. What leads to another page is not."""
    above = dialogs(visit)[-1:]
    found: dict[str, Press] = {}

    def note(name: str, element: ui.element, event: str = "click") -> None:
        if not any(name.startswith(each) for each in ELSEWHERE):
            found.setdefault(name, (element, event))

    for each in visit.elements(ui.element):
        over = list(each.ancestors())
        if (above and above[0] not in over) or not all(e.visible for e in [each, *over]):
            continue
        if isinstance(each, PractitionerCard):
            note(f"Held, {each.card['name']}", each, "held")
            for action in each.card["actions"]:
                if "href" not in action:
                    note(f"{action['label']}, {each.card['name']}", each, action["event"])
        elif isinstance(each, ui.button | ui.menu_item) and each.enabled:
            listens = any(e.type == "click" for e in each._event_listeners.values())
            words = [e.text for e in [each, *each.descendants()] if isinstance(e, TextElement)]
            if listens:
                note(str(each.props.get("aria-label") or words[-1]), each)
    return found


async def press_and_wait(visit: Visit, pressed: Press) -> None:
    """Until what it does is done, or waits for an answer in another dialog."""
    before, open_before = set(background_tasks.running_tasks), dialogs(visit)
    press(*pressed)
    begun = set(background_tasks.running_tasks) - before

    def ended() -> bool:
        asks = dialogs(visit) != open_before and bool(pressable(visit))
        return asks or all(each.done() for each in begun)

    try:
        await until(ended)
    except AssertionError as error:
        raise AssertionError(f"it does not end: {pressed[0].props}") from error
    await fade(visit)


async def fade(visit: Visit) -> None:
    """The browser says so when a closed dialog has gone from the screen."""
    assert visit.user.client is not None
    for each in list(visit.user.client.elements.values()):
        if isinstance(each, ui.dialog) and not each.value and not each.is_deleted:
            press(each, "hide")


async def crawl(
    application: Callable[[], Awaitable[FakeApplication]],
    folder: Path,
    begin: Callable[[Visit], Awaitable[None]],
) -> list[Way]:
    """Every way that was gone. `begin` opens the page. What is pressed changes the practice; where
    that has taken the next button away, it begins with a new `application`."""
    gone: list[Way] = []
    known: set[tuple[str, ...]] = set()
    """Dialogs, by their titles and buttons."""
    waiting: list[Way] = [()]
    while waiting:
        before = len(gone)
        async with visiting(await application(), folder) as visit:
            while waiting and await _go(visit, begin, waiting[-1]):
                way = waiting.pop()
                gone.append(way)
                assert "unexpected" not in visit.notices(), way
                names = tuple(pressable(visit))
                shown = (*(each.title for each in dialogs(visit)), *names)
                if shown not in known and (dialogs(visit) or not way):
                    known.add(shown)
                    waiting += [(*way, name) for name in reversed(names)]
        assert len(gone) > before, f"this way leads nowhere: {waiting[-1]}"
    return gone


async def _go(visit: Visit, begin: Callable[[Visit], Awaitable[None]], way: Way) -> bool:
    """Whether the page and every button were there."""
    visit.user.notify.messages.clear()
    try:
        await begin(visit)
    except AssertionError:
        return False
    for name in way:
        pressed = pressable(visit).get(name)
        if pressed is None:
            return False
        await press_and_wait(visit, pressed)
    return True
