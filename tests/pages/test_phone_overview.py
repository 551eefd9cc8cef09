"""Links for phones: the practice's overview and reachability."""

from __future__ import annotations

from nicegui import ui

from companion.web.ui.static_html import StaticHtml
from tests.pages.conftest import Visit
from tests.pages.driving import button, field, press, tick, until
from tests.pages.phone_links import OMAR, OWN, PEOPLE, ZOE, fetch, shown


async def test_the_practice_sees_who_has_links_but_no_link(visit: Visit) -> None:
    await fetch(visit)
    await visit.user.open("/phone")
    await visit.user.should_see("Who has links")
    await visit.user.should_see(PEOPLE[0].name)
    await visit.user.should_see("9 h ago")
    assert "/feeds/" not in shown(visit)


async def test_the_practice_may_switch_all_links_off_and_on(visit: Visit) -> None:
    await visit.user.open("/phone")
    switch = tick(visit, "Practitioners may have links for phones")
    switch.value = False
    await until(lambda: not visit.application.settings.read().practice.feeds_allowed)
    await visit.user.open(OWN)
    await visit.user.should_see("The practice has switched phone links off.")
    assert not [each for each in visit.elements(ui.button) if each.text == "Add a device"]


async def test_every_link_of_the_practice_goes_at_once(visit: Visit) -> None:
    await visit.application.services.feeds.add(OMAR, label="Omar's")
    await visit.user.open("/phone")
    await visit.user.should_see("Switch every link off")
    press(button(visit, "Switch every link off"))
    await visit.user.should_see("Switch every link of the practice off?")
    press(button(visit, "Switch every link off"))
    await until(lambda: "2 links switched off." in visit.notices())


async def test_the_right_address_comes_first_and_another_may_be_chosen(visit: Visit) -> None:
    await visit.user.open("/phone")
    host = field(visit, "Address in links, or a host name of your own")
    assert list(host.options.items()) == [
        ("", "Automatic: 192.168.20.7"),
        ("192.168.20.7", "192.168.20.7 (Ethernet)"),
        ("172.17.0.1", "172.17.0.1 (docker0)"),
    ]
    field(visit, "Web address of a proxy or tunnel").value = "https://cal.example.org"
    press(button(visit, "Save"))
    await visit.user.should_see("https://cal.example.org")
    await visit.user.should_see("in the clinic and outside of it")
    practice = visit.application.settings.read().practice
    assert (practice.feed_host, practice.feed_base_url) == ("", "https://cal.example.org")


async def test_a_wrong_path_is_shown_at_its_field(visit: Visit) -> None:
    await visit.user.open("/phone")
    certificate = field(visit, "Certificate's file with its chain (PEM)")
    certificate.value = "cal.pem"
    press(button(visit, "Save"))
    await until(lambda: certificate.error)
    assert visit.application.settings.read().practice.feed_certificate == ""


async def test_check_reachability_says_what_was_tried(visit: Visit) -> None:
    await visit.user.open("/phone")
    press(button(visit, "Check reachability"))
    await visit.user.should_see("http://192.168.20.7:8090 answers this computer.")
    await visit.user.should_see("No phone has fetched in the last two days")


async def test_a_closed_listener_is_shown_on_every_page_of_phones(visit: Visit) -> None:
    visit.application.services.reachability.listener_status.problem = (
        "Port 8090 is used by another program."
    )
    for path in ("/phone", OWN, f"/practitioner/{ZOE}", "/practice"):
        await visit.user.open(path)
        await visit.user.should_see("Port 8090 is used by another program.")


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
