"""The practice's page of all phone links, through a simulated browser."""

from __future__ import annotations

from companion.web.ui.static_html import StaticHtml
from tests.fakes.services import the_sample
from tests.pages.conftest import Visit
from tests.pages.driving import button, field, press, until

OMAR = the_sample().practitioners[1].id


async def test_the_practice_adds_a_device_once_it_is_said_whose(visit: Visit) -> None:
    await visit.user.open("/phone")
    await until(lambda: any(">none<" in e.content for e in visit.elements(StaticHtml)))
    press(button(visit, "Add a device"))
    await visit.user.should_see("Whose device?")
    press(button(visit, "Go on"))
    await until(lambda: field(visit, "Whose device?").error)
    field(visit, "Whose device?").value = OMAR
    press(button(visit, "Go on"))
    await visit.user.should_see("Make the link")
    field(visit, "Whose or which one").value = "Tablet"
    press(button(visit, "Make the link"))
    await visit.user.should_see("webcal://")
    (link,) = await visit.application.services.feeds.links(OMAR)
    assert link.label == "Tablet"
