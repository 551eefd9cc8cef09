"""Links for phones: the wizard, the table, changing and sending a link."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from nicegui import ui

from companion.domain.disclosure import ClientName, DisclosureItem
from companion.domain.errors import NotAllowed
from companion.services.ports import FeedDetail
from companion.web.ui.phones import formatting as phone_words
from companion.web.ui.phones.device import qr_svg
from tests.fakes.services import the_sample
from tests.pages.conftest import Visit
from tests.pages.driving import button, field, named, press, radio_of, tick, until
from tests.pages.phone_links import OMAR, OWN, PEOPLE, ZOE, add, as_zoe, fetch, links, says, shown


async def test_a_device_is_added_with_all_its_choices(visit: Visit) -> None:
    await visit.user.open(OWN)
    await add(visit)
    radio_of(visit, "busy").value = FeedDetail.BUSY
    field(visit, "Days back").value = 1
    field(visit, "Days ahead").value = 30
    field(visit, "Works until (may stay empty)").value = "30 June 2027"
    press(button(visit, "Make the link"))
    await visit.user.should_see("webcal://192.168.20.7:8090/feeds/")
    made = next(each for each in await links(visit) if each.label == "Tablet")
    assert (made.label, made.detail) == ("Tablet", "busy")
    assert (made.days_in_arrears, made.days_in_advance) == (1, 30)
    assert made.expires_at is not None
    assert made.expires_at.date() == date(2027, 6, 30)


async def test_custom_detail_is_chosen_item_by_item(visit: Visit) -> None:
    await visit.user.open(OWN)
    await add(visit)
    radio_of(visit, "busy").value = FeedDetail.CUSTOM
    tick(visit, "Location").value = False
    tick(visit, "Notes").value = True
    radio_of(visit, "first").value = ClientName.FIRST
    press(button(visit, "Make the link"))
    await until(lambda: "The link for “Tablet”" in shown(visit))
    made = next(each for each in await links(visit) if each.label == "Tablet")
    assert made.custom is not None
    assert made.custom.client_name is ClientName.FIRST
    assert made.custom.items == {DisclosureItem.TYPE, DisclosureItem.NOTES}


async def test_the_preview_follows_the_choices(visit: Visit) -> None:
    await visit.user.open(OWN)
    await add(visit)
    await visit.user.should_see("What this link shows")
    radio = radio_of(visit, "busy")

    def titles() -> set[str]:
        found = visit.elements(ui.element)
        return {each.text for each in found if "shown__title" in each.classes}

    await until(titles)
    names = {each.client_last_name for each in the_sample().appointments if each.client_last_name}
    assert not [each for each in titles() if any(name in each for name in names)]
    radio.value = "full"
    await until(lambda: [each for each in titles() if any(name in each for name in names)])
    radio.value = FeedDetail.BUSY
    await until(lambda: titles() == {"Busy"})
    field(visit, "Days ahead").value = 0
    field(visit, "Days back").value = 0
    await until(lambda: " 3 KB of 900 KB, 11 appointments" in shown(visit))


async def test_what_is_missing_is_shown_at_its_field_and_makes_no_link(visit: Visit) -> None:
    await visit.user.open(OWN)
    before = len(await links(visit))
    await add(visit, label=" ")
    press(button(visit, "Make the link"))
    await until(lambda: field(visit, "Whose or which one").error)
    field(visit, "Whose or which one").value = "Phone"
    field(visit, "Works until (may stay empty)").value = "1/1/2020"
    press(button(visit, "Make the link"))
    await until(lambda: field(visit, "Works until (may stay empty)").error)
    assert len(await links(visit)) == before


async def test_each_device_gets_its_own_link_and_three_steps(visit: Visit) -> None:
    await visit.user.open(OWN)
    await add(visit)
    press(button(visit, "Make the link"))
    await visit.user.should_see("Fetch New Data")
    chosen = field(visit, "Device")
    for kind, device in phone_words.DEVICES.items():
        chosen.value = kind
        await until(partial(says, visit, device.steps[0]))
        address = [each for each in visit.elements(ui.element) if "address" in each.classes][-1]
        start = "webcal://" if kind == "apple" else "http://"
        assert address.text.startswith(f"{start}192.168.20.7:8090/feeds/")
        assert all(step in shown(visit) for step in device.steps)
        pictures = [each for each in visit.elements(ui.html) if "svg" in each.content]
        assert pictures[-1].content == qr_svg(address.text)
    chosen.value = "google"
    await visit.user.should_see("Google fetches a link only every 8 to 24 hours")
    assert button(visit, "Use the direct sync").props["href"] == f"/practitioner/{ZOE}"


async def test_the_caps_limit_stands_beside_the_presets(visit: Visit) -> None:
    await visit.application.services.practitioners.set_practice(
        {"cap_client_name": "initials", "cap_include": "type"}
    )
    await visit.user.open(OWN)
    await add(visit)
    radio = radio_of(visit, "busy")
    assert "the practice allows initials at most; no location, no notes" in radio.options["full"]
    assert "allows" not in radio.options["busy"]


# ── the table ────────────────────────────────────────────────────────────────────────────────


async def test_the_table_says_who_fetched_when_from_where_and_what_came_of_it(
    visit: Visit,
) -> None:
    await fetch(visit, at=visit.application.clock.now() - timedelta(hours=18))
    await fetch(visit)
    await visit.user.open(OWN)
    await visit.user.should_see(
        "Google Calendar last fetched 9 h ago, from outside; nothing was new (304)", retries=20
    )
    await visit.user.should_see("About every 9 h")
    await visit.user.should_see("of 900 KB")
    await visit.user.should_see(phone_words.WHY_A_LIMIT)


async def test_an_unused_link_is_pointed_out(visit: Visit) -> None:
    await fetch(visit, at=visit.application.clock.now() - timedelta(days=40))
    await visit.user.open(OWN)
    await visit.user.should_see("Switch off what nobody uses any more.")
    await visit.user.should_see("Not fetched for a long time: “Work phone”.")


async def test_a_link_is_switched_off(visit: Visit) -> None:
    await visit.user.open(OWN)
    await visit.user.should_see("Work phone")
    press(button(visit, "Switch off"))
    await visit.user.should_see("Switch off “Work phone”?")
    press(button(visit, "Switch off"))
    await visit.user.should_see("Switched off")
    assert [each.revoked_at is not None for each in await links(visit)] == [True]


async def test_a_renewed_link_is_another_for_the_same_device(visit: Visit) -> None:
    await visit.user.open(OWN)
    await visit.user.should_see("Work phone")
    press(button(visit, "Renew"))
    await visit.user.should_see("Renew “Work phone”?")
    press(button(visit, "Renew"))
    await visit.user.should_see("The link for “Work phone”")
    old, new = sorted(await links(visit), key=lambda each: each.revoked_at is None)
    assert (old.label, old.detail) == (new.label, new.detail)
    assert old.revoked_at is not None
    assert new.revoked_at is None
    assert old.token_hash != new.token_hash


async def test_all_links_go_at_once(visit: Visit) -> None:
    await visit.application.services.feeds.add(ZOE, label="Tablet")
    await visit.application.services.feeds.add(OMAR, label="Omar's")
    await visit.user.open(OWN)
    await visit.user.should_see("Tablet")
    press(button(visit, "Switch all off"))
    await visit.user.should_see("Switch all links off?")
    press(button(visit, "Switch all off"))
    await until(lambda: "2 links switched off." in visit.notices())
    assert all(each.revoked_at for each in await links(visit))
    assert not any(each.revoked_at for each in await links(visit, OMAR))


async def test_only_its_owner_sees_a_link_again(visit: Visit, tmp_path: Path) -> None:
    await visit.user.open(OWN)
    await visit.user.should_see("Work phone")
    assert not [each for each in visit.elements(ui.button) if each.text == "Show"]
    (link,) = await links(visit)
    assert visit.user.client is not None
    with visit.user.client, pytest.raises(NotAllowed):
        await visit.site.services.feeds.url(link.id)


async def test_the_owner_sees_it(tmp_path: Path) -> None:
    async with as_zoe(tmp_path) as visit:
        await visit.user.open("/phone")
        await visit.user.should_see("Work phone")
        press(button(visit, "Show"))
        await visit.user.should_see("webcal://192.168.20.7:8090/feeds/")


async def test_a_practitioner_does_not_see_the_practice(tmp_path: Path) -> None:
    async with as_zoe(tmp_path) as visit:
        await visit.user.open("/phone")
        await visit.user.should_see("Phone links")
        await visit.user.should_not_see("Who has links")
        assert (await visit.user.http_client.get(f"/phone/{OMAR}")).status_code == 403


async def test_no_link_is_in_a_title_or_an_address_of_a_page(visit: Visit) -> None:
    await visit.user.open(OWN)
    await add(visit)
    press(button(visit, "Make the link"))
    await visit.user.should_see("/feeds/")
    assert visit.user.client is not None
    assert "feeds" not in (visit.user.client.title or "")
    for each in visit.elements(ui.element):
        assert "/feeds/" not in str(each.props.get("href", ""))


# ── the practice ─────────────────────────────────────────────────────────────────────────────


def test_every_detail_and_state_has_words() -> None:
    assert set(phone_words.DETAILS) == set(FeedDetail)
    assert all(len(device.steps) == 3 for device in phone_words.DEVICES.values())


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("http://10.20.30.40:8090", "This link is not encrypted (http)"),
        ("http://127.0.0.1:8090", "No phone can open this link"),
        ("https://cal.example.org", ""),
    ],
)
async def test_a_link_says_where_it_is_made_what_is_wrong_with_it(
    tmp_path: Path, base: str, said: str
) -> None:
    async with as_zoe(tmp_path) as visit:
        await visit.application.services.practitioners.set_practice({"feed_base_url": base})
        await visit.user.open(OWN)
        await add(visit)
        press(button(visit, "Make the link"))
        await visit.user.should_see("The link for “Tablet”")
        for each in ("This link is not encrypted (http)", "No phone can open this link"):
            assert says(visit, each) == (each == said)


async def test_a_link_is_renamed_and_changed_without_being_set_up_again(visit: Visit) -> None:
    before = (await links(visit))[0]
    await visit.user.open(OWN)
    await visit.user.should_see("Work phone")
    press(named(visit, "Change: Work phone"))
    await visit.user.should_see("Change “Work phone”")
    label = field(visit, "Whose or which one")
    assert label.value == "Work phone"
    label.value = ""
    press(button(visit, "Save"))
    await until(lambda: label.error)
    label.value = "Anna's iPhone"
    field(visit, "Works until (may stay empty)").value = "30 June 2027"
    press(button(visit, "Save"))
    await until(lambda: "Saved; the link is the same." in visit.notices())
    after = (await links(visit))[0]
    assert (after.label, after.token_hash) == ("Anna's iPhone", before.token_hash)
    press(named(visit, "Change: Anna's iPhone"))
    await until(lambda: field(visit, "Works until (may stay empty)").value)
    assert "2027" in field(visit, "Works until (may stay empty)").value


async def test_an_e_mail_with_the_link_is_written_after_a_warning(tmp_path: Path) -> None:
    async with as_zoe(tmp_path) as visit:
        await visit.user.open(OWN)
        await visit.user.should_see("Work phone")
        press(named(visit, "Show: Work phone"))
        await visit.user.should_see("Send by e-mail …")
        press(button(visit, "Send by e-mail …"))
        await visit.user.should_see("An e-mail is like a postcard.")
        address = urlsplit(button(visit, "Write the e-mail").props["href"])
        message = parse_qs(address.query)
        assert address.scheme == "mailto"
        assert address.path == PEOPLE[0].email
        assert "/feeds/" in message["body"][0]
        assert "/feeds/" not in message["subject"][0]
        field(visit, "To").value = "other@example.com"
        assert button(visit, "Write the e-mail").props["href"].startswith("mailto:other@")
