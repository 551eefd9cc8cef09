"""The export to a file, custom links, renewal, all links at once, and their preview."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from companion.domain.disclosure import ClientName, Disclosure, DisclosureCap, DisclosureItem
from companion.domain.errors import BadInput, NotFound
from companion.services.feeds.documents import disclosure_from_words, disclosure_words
from companion.services.feeds.links import product_of
from companion.services.ports import FeedDetail
from companion.services.settings.practitioners import Practitioners
from tests.fakes.calendar_lint import complaints, events
from tests.fakes.feeds import TODAY, FeedApplication, asking, practice, token_of, visit
from tests.fakes.settings import FakeSettings

# ── export ───────────────────────────────────────────────────────────────────────────────────


async def test_an_export_holds_whole_local_days_and_has_no_size_limit() -> None:
    application = FeedApplication(size_limit=2_000)
    await application.write(*(visit(each, TODAY - timedelta(days=1)) for each in range(480)))
    data = await application.feeds.export(
        "Avery", first_day=date(2026, 3, 2), last_day=date(2026, 3, 10)
    )
    read = events(data)
    assert complaints(data, limit=None) == []
    assert (len(read), len(data) > 2_000) == (432, True)
    assert read[0]["DTSTART"] == "20260301T130000Z"


async def test_an_export_of_nothing_is_a_calendar_without_events() -> None:
    day = date(2026, 3, 2)
    data = await FeedApplication().feeds.export("avery", first_day=day, last_day=day)
    assert events(data) == []
    assert complaints(data) == []


async def test_an_export_backwards_in_time_is_refused() -> None:
    with pytest.raises(BadInput):
        await FeedApplication().feeds.export(
            "avery", first_day=date(2026, 3, 2), last_day=date(2026, 3, 1)
        )


@pytest.mark.parametrize(
    ("agent", "product"),
    [
        ("iOS/17.5 (21F79) dataaccessd/1.0", "iOS/17.5"),
        ("Mozilla/5.0 (X11; Linux) Gecko/20100101 Thunderbird/128.1", "Thunderbird/128.1"),
        ("Google-Calendar-Importer", "Google-Calendar-Importer"),
        ("Mozilla/5.0 (compatible)", "Mozilla/5.0"),
        ("", ""),
        ("\x00<script>alert(1)</script>", "script"),
        ("x" * 500, "x" * 40),
    ],
)
def test_a_client_is_known_by_its_product(agent: str, product: str) -> None:
    assert product_of(agent) == product


# ── custom links, renewal, all at once, preview ──────────────────────────────────────────────


async def test_a_custom_link_shows_what_was_chosen_under_the_practices_cap() -> None:
    application = FeedApplication()
    await application.write(visit(1, notes="Bring the old plate"))
    chosen = Disclosure(items=frozenset({DisclosureItem.NOTES}), client_name=ClientName.FULL)
    link, url = await application.feeds.add(
        "avery", label="Phone", detail=FeedDetail.CUSTOM, custom=chosen
    )
    assert link.custom == chosen
    (event,) = events((await application.feeds.fetch(token_of(url))).body)
    assert event["SUMMARY"] == "Marigold Quillfeather"
    assert event["DESCRIPTION"] == "Bring the old plate"
    assert "LOCATION" not in event
    await application.settings.change(
        lambda settings: replace(
            settings,
            practice=replace(
                settings.practice, cap=DisclosureCap(items=frozenset(), client_name=ClientName.NONE)
            ),
        )
    )
    (event,) = events((await application.feeds.fetch(token_of(url))).body)
    assert event["SUMMARY"] == "Client appointment"
    assert "DESCRIPTION" not in event


async def test_a_preset_keeps_no_custom_choice() -> None:
    link, _url = await FeedApplication().feeds.add("avery", label="Phone", custom=Disclosure())
    assert link.custom is None


async def test_a_renewed_link_is_as_the_old_one_for_as_long_again() -> None:
    application = FeedApplication()
    chosen = Disclosure(busy_only=True)
    old, url = await application.feeds.add(
        "avery",
        label="Phone",
        detail=FeedDetail.CUSTOM,
        custom=chosen,
        days_in_arrears=1,
        days_in_advance=2,
        expires=date(2026, 3, 31),
    )
    application.clock.shift(10 * 86_400)
    new, new_url = await application.feeds.renew(old.id)
    assert (new.label, new.detail, new.custom) == ("Phone", "custom", chosen)
    assert (new.days_in_arrears, new.days_in_advance) == (1, 2)
    assert old.expires_at is not None
    assert new.expires_at == old.expires_at + timedelta(days=10)
    assert new_url != url
    assert (await application.feeds.url(new.id)) == new_url
    with pytest.raises(NotFound):
        await application.feeds.url(old.id)
    body = (await application.feeds.fetch(token_of(url))).body
    assert [each["SUMMARY"] for each in events(body)] == ["This phone link was switched off"]


async def test_all_links_of_one_or_of_everybody_are_switched_off() -> None:
    application = FeedApplication(settings=FakeSettings(practice("Avery", "Blake")))
    for who in ("avery", "avery", "blake"):
        await application.feeds.add(who, label="Phone")
    first = (await application.feeds.links("avery"))[0]
    await application.feeds.revoke(first.id)
    assert await application.feeds.revoke_all("avery") == 1
    assert [each.revoked_at is None for each in await application.feeds.links("blake")] == [True]
    assert await application.feeds.revoke_all() == 1
    assert all(each.revoked_at for each in await application.feeds.links())
    assert application.secrets.kept == {}


async def test_a_preview_is_what_the_link_then_shows() -> None:
    application = FeedApplication(size_limit=3_000)
    await application.write(*(visit(48 * each) for each in range(-5, 6)))
    choices = {"detail": FeedDetail.FULL, "days_in_arrears": 5, "days_in_advance": 5}
    preview = await application.feeds.preview("avery", **choices)  # type: ignore[arg-type] # as the keys say
    link, _url = await application.feeds.add("avery", label="Phone", **choices)  # type: ignore[arg-type] # as above
    body = await application.feeds.body(link.id)
    assert preview.events[0].summary.startswith("Marigold Quillfeather")
    assert len(preview.events) == 11
    assert preview.trimmed_past + preview.trimmed_future > 0
    assert (preview.trimmed_past, preview.trimmed_future) == (
        body.trimmed_past,
        body.trimmed_future,
    )
    assert preview.size > 3_000 >= body.size


async def test_a_fetch_is_noted_with_its_outcome_and_where_it_came_from() -> None:
    application = FeedApplication()
    await application.write(visit(1))
    link, url = await application.feeds.add("avery", label="Phone")
    agent = "Mozilla/5.0 Thunderbird/128.0"
    first = await application.feeds.fetch(
        token_of(url), asking(token_of(url), client=agent, gzip=False), "192.168.20.44"
    )
    await application.feeds.close()
    noted = await application.feeds.link(link.id)
    assert (noted.last_client, noted.last_status) == ("Thunderbird/128.0", 200)
    assert (noted.last_network, noted.intervals) == ("inside", ())
    tag = dict(first.headers)[b"etag"].decode()
    application.clock.shift(1800)
    await application.feeds.fetch(
        token_of(url), asking(token_of(url), client=agent, tags=tag, gzip=False), "8.8.4.4"
    )
    await application.feeds.close()
    noted = await application.feeds.link(link.id)
    assert (noted.last_status, noted.last_network, noted.intervals) == (304, "outside", (1800,))


async def test_a_change_of_cap_or_name_reaches_subscribers() -> None:
    """SEQUENCE and LAST-MODIFIED rise, or phones keep the old words."""
    application = FeedApplication()
    await application.write(visit(1))
    people = Practitioners(
        settings=application.settings, book=application.book, clock=application.clock
    )
    token = await application.token(detail=FeedDetail.FULL)

    async def stamp() -> tuple[int, str]:
        application.clock.shift(1)
        (event,) = events((await application.feeds.fetch(token)).body)
        return int(event["SEQUENCE"]), event["LAST-MODIFIED"]

    seen = [await stamp()]
    await people.set_practice({"cap_client_name": "initials"})
    seen.append(await stamp())
    await people.set_values("avery", {"name": "Avery Lark"})
    seen.append(await stamp())
    await people.set_practice({"cap_include": "type"})
    seen.append(await stamp())
    assert seen == sorted(seen)
    assert len({sequence for sequence, _ in seen}) == len({at for _, at in seen}) == 4


def test_details_in_words_are_read_and_shown_alike() -> None:
    words = {"include": "type,notes", "client_name": "first", "kinds": "client,meeting"}
    shown = disclosure_from_words(words)
    assert shown.items == {DisclosureItem.TYPE, DisclosureItem.NOTES}
    assert shown.client_name is ClientName.FIRST
    assert disclosure_from_words(disclosure_words(shown)) == shown
    for wrong in ({"enabled": "yes"}, {"include": "everything"}):
        with pytest.raises(BadInput):
            disclosure_from_words(wrong)


async def test_the_links_of_a_practitioner_who_leaves_are_switched_off_first() -> None:
    application = FeedApplication(settings=FakeSettings(practice("Avery", "Blake")))
    await application.write(visit(1))
    people = Practitioners(
        settings=application.settings,
        book=application.book,
        clock=application.clock,
        leaving=(application.feeds.revoke_all,),
    )
    token = await application.token()
    await people.merge("avery", "blake")
    (link,) = await application.feeds.links()
    assert link.revoked_at is not None
    body = (await application.feeds.fetch(token)).body
    assert [each["SUMMARY"] for each in events(body)] == ["This phone link was switched off"]


async def test_what_every_link_shows_is_given_at_once_except_for_those_switched_off() -> None:
    application = FeedApplication()
    one, _ = await application.feeds.add("avery", label="Phone")
    off, _ = await application.feeds.add("avery", label="Old phone")
    await application.feeds.revoke(off.id)
    assert await application.feeds.bodies("avery") == {one.id: await application.feeds.body(one.id)}
    assert await application.feeds.bodies("nobody") == {}
