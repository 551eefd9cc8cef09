"""Phone links on pages: what their tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from nicegui import ui

from companion.domain.users import Role, User
from companion.services.ports import FeedLink, Fetch
from tests.fakes.services import lived_in, the_sample
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import button, field, press

PEOPLE = the_sample().practitioners
ZOE, OMAR = PEOPLE[0].id, PEOPLE[1].id
OWN = f"/phone/{ZOE}"


@asynccontextmanager
async def as_zoe(folder: Path) -> AsyncIterator[Visit]:
    user = User(id="zoe", name="Zoe", role=Role.PRACTITIONER, practitioner_id=ZOE)
    async with visiting(await lived_in(), folder, who=user) as visit:
        yield visit


async def links(visit: Visit, who: str = ZOE) -> list[FeedLink]:
    return await visit.application.services.feeds.links(who)


def shown(visit: Visit) -> str:
    return " ".join(
        str(each.text) for each in visit.elements(ui.element) if getattr(each, "text", "")
    )


def says(visit: Visit, words: str) -> bool:
    return words in shown(visit)


async def fetch(visit: Visit, **changes: object) -> None:
    (link, *_rest) = await links(visit)
    plain = Fetch(
        at=visit.application.clock.now() - timedelta(hours=9),
        client="Google-Calendar-Importer",
        status=304,
        network="outside",
    )
    store = visit.application.services.feeds._store
    await store.fetched(link.id, replace(plain, **changes))  # type: ignore[arg-type] # as told


async def add(visit: Visit, label: str = "Tablet") -> None:
    press(button(visit, "Add a device"))
    await visit.user.should_see("Whose or which one")
    field(visit, "Whose or which one").value = label


# ── the wizard ───────────────────────────────────────────────────────────────────────────────
