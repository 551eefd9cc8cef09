"""Without a page there is no user: a task that a handler starts reaches no service."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest
from nicegui import background_tasks, ui

from companion.domain.errors import NotAllowed
from companion.web.ui.error_reports import report_errors
from companion.web.ui.who import NoPageUser
from tests.pages.conftest import Visit
from tests.pages.driving import button, press, until

Way = Callable[[Callable[[], Awaitable[object]]], Awaitable[object]]


async def _gathered(ask: Callable[[], Awaitable[object]]) -> object:
    return (await asyncio.gather(ask()))[0]


WAYS: dict[str, Way] = {
    "create_task": lambda ask: asyncio.create_task(_awaited(ask)),
    "gather": _gathered,
    "background task": lambda ask: background_tasks.create(_awaited(ask), handle_exceptions=False),
    "thread": lambda ask: asyncio.to_thread(lambda: asyncio.run(_awaited(ask))),
}


async def _awaited(ask: Callable[[], Awaitable[object]]) -> object:
    return await ask()


async def pressed(visit: Visit, handler: Callable[[], Awaitable[object]]) -> object:
    """What comes of a button's handler: its result or its error."""
    came: list[object] = []

    async def handle() -> None:
        try:
            came.append(await handler())
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            came.append(error)

    assert visit.user.client is not None
    with visit.user.client:
        ui.button("Press", on_click=report_errors(handle))
    press(button(visit, "Press"))
    await until(lambda: came)
    return came[0]


async def test_a_handler_has_the_user_of_its_page(visit: Visit) -> None:
    await visit.user.open("/practice")

    async def ask() -> object:
        return visit.site.services.practitioners.practice_values()

    assert isinstance(await pressed(visit, ask), dict)


@pytest.mark.parametrize("way", WAYS)
async def test_a_task_that_a_handler_starts_has_no_user(visit: Visit, way: str) -> None:
    await visit.user.open("/practice")

    async def ask() -> object:
        return visit.site.services.practitioners.practice_values()

    assert isinstance(await pressed(visit, lambda: WAYS[way](ask)), NoPageUser)


async def test_a_call_made_in_the_handler_was_asked_there(visit: Visit) -> None:
    await visit.user.open("/practice")

    async def ask() -> object:
        return await asyncio.gather(*[visit.site.services.status.board() for _ in range(2)])

    found = await pressed(visit, ask)
    assert isinstance(found, list)
    assert len(found) == 2


async def test_a_handler_goes_on_as_the_same_person_when_its_place_has_gone(visit: Visit) -> None:
    await visit.user.open("/practice")
    assert visit.user.client is not None
    with visit.user.client, ui.column() as place:
        pass
    came: list[object] = []

    async def handle() -> None:
        place.clear()
        await asyncio.sleep(0)
        gc.collect()
        assert ui.context.client is visit.user.client  # the page is still there
        came.append(visit.site.services.practitioners.practice_values())

    with place, ui.column():
        ui.button("Press", on_click=report_errors(handle))
    press(button(visit, "Press"))
    await until(lambda: came)


async def test_outside_of_every_page_there_is_no_user(visit: Visit) -> None:
    with pytest.raises(NoPageUser):
        visit.site.services.settings.read()
    with pytest.raises(NoPageUser):
        visit.site.live.latest()
    assert not issubclass(NoPageUser, NotAllowed)
