"""Making, listing, showing and switching off links; and the export."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from companion.domain.disclosure import ClientName, Disclosure, DisclosureCap, DisclosureItem
from companion.domain.errors import BadInput, NotFound, SecretsUnavailable
from companion.services.feeds.views import read_detail
from companion.services.ports import FeedDetail
from tests.fakes.feed_links import shown
from tests.fakes.feeds import NOON, FeedApplication, asking, practice, token_of, visit
from tests.fakes.settings import FakeSettings


async def test_a_link_has_a_token_of_256_bits_kept_only_hashed_and_sealed() -> None:
    application = FeedApplication()
    link, url = await application.feeds.add("avery", label="Work phone")
    found = re.fullmatch(r"http://192\.168\.20\.7:8090/feeds/([A-Za-z0-9_-]{43})\.ics", url)
    assert found is not None
    assert application.secrets.kept == {f"feed/{link.id}": found[1]}
    assert found[1] not in repr(await application.feeds.links())
    assert found[1] not in repr(application.activity.lines)
    assert await application.feeds.url(link.id) == url


@pytest.mark.parametrize(
    ("host", "base", "start"),
    [
        ("", "", "http://192.168.20.7:8090/feeds/"),
        ("clinic.local", "", "http://clinic.local:8090/feeds/"),
        ("fd00::7", "", "http://[fd00::7]:8090/feeds/"),
        ("clinic.local", "https://cal.example.org/", "https://cal.example.org/feeds/"),
    ],
)
async def test_the_address_in_a_link_is_the_proxys_else_the_practices_else_the_machines(
    host: str, base: str, start: str
) -> None:
    settings = practice()
    own = replace(settings.practice, feed_host=host, feed_base_url=base)
    application = FeedApplication(settings=FakeSettings(replace(settings, practice=own)))
    _link, url = await application.feeds.add("Avery", label="Phone")
    assert url.startswith(start)


async def test_days_left_out_are_the_practitioners_own() -> None:
    application = FeedApplication(
        settings=FakeSettings(practice(days_in_arrears=3, days_in_advance=21))
    )
    link, _url = await application.feeds.add("avery", label="Phone")
    assert (link.days_in_arrears, link.days_in_advance) == (3, 21)
    link, _url = await application.feeds.add("avery", label="Phone", days_in_arrears=0)
    assert (link.days_in_arrears, link.days_in_advance) == (0, 21)


async def test_an_expiry_is_the_end_of_that_day_in_the_practitioners_zone() -> None:
    application = FeedApplication()
    link, _url = await application.feeds.add("avery", label="Phone", expires=date(2026, 3, 2))
    assert link.expires_at == datetime(2026, 3, 2, 13, 0, tzinfo=UTC)
    with pytest.raises(BadInput) as caught:
        await application.feeds.add("avery", label="Phone", expires=date(2026, 3, 1))
    assert caught.value.field == "expires"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"label": " "}, "label"),
        ({"label": "x" * 101}, "label"),
        ({"label": "Phone", "days_in_advance": 731}, "days_in_advance"),
        ({"label": "Phone", "days_in_arrears": -1}, "days_in_arrears"),
    ],
)
async def test_what_cannot_be_a_link_is_refused_and_leaves_nothing(
    wrong: dict[str, object], field: str
) -> None:
    application = FeedApplication()
    with pytest.raises(BadInput) as caught:
        await application.feeds.add("avery", **wrong)  # type: ignore[arg-type] # wrong on purpose
    assert caught.value.field == field
    assert await application.feeds.links() == []
    assert application.secrets.kept == {}


async def test_a_practice_that_allows_no_links_gets_none() -> None:
    settings = practice()
    off = replace(settings, practice=replace(settings.practice, feeds_allowed=False))
    application = FeedApplication(settings=FakeSettings(off))
    with pytest.raises(BadInput):
        await application.feeds.add("avery", label="Phone")


async def test_without_a_secret_store_no_link_is_made() -> None:
    application = FeedApplication()
    application.secrets.trouble = SecretsUnavailable()
    with pytest.raises(SecretsUnavailable):
        await application.feeds.add("avery", label="Phone")
    assert await application.feeds.links() == []


async def test_switching_a_link_off_forgets_its_token_and_its_last_copy() -> None:
    application = FeedApplication()
    await application.write(visit(1))
    link, url = await application.feeds.add("avery", label="Phone")
    await application.feeds.fetch(url.rpartition("/")[2].removesuffix(".ics"))
    await application.feeds.close()
    assert len(application.kept.files) == 1
    await application.feeds.revoke(link.id)
    assert application.secrets.kept == {}
    assert application.kept.files == {}
    with pytest.raises(NotFound):
        await application.feeds.url(link.id)
    when = (await application.feeds.link(link.id)).revoked_at
    application.clock.shift(60)
    assert (await application.feeds.revoke(link.id)).revoked_at == when


async def test_an_unknown_link_is_named_so() -> None:
    with pytest.raises(NotFound):
        await FeedApplication().feeds.revoke("nonesuch")


async def test_tidying_removes_links_a_month_after_they_became_unknown() -> None:
    application = FeedApplication()
    gone, _url = await application.feeds.add("avery", label="Old phone")
    await application.feeds.add("avery", label="New phone")
    await application.feeds.revoke(gone.id)
    application.clock.set(NOON + timedelta(days=119))
    assert await application.feeds.tidy() == 0
    application.clock.set(NOON + timedelta(days=120))
    assert await application.feeds.tidy() == 1
    assert [link.label for link in await application.feeds.links()] == ["New phone"]


def test_presets_show_from_everything_to_nothing() -> None:
    settings = practice()
    assert shown(settings, FeedDetail.FULL).client_name is ClientName.FULL
    assert DisclosureItem.NOTES in shown(settings, FeedDetail.FULL).items
    assert shown(settings, FeedDetail.INITIALS) == Disclosure()
    assert shown(settings, FeedDetail.BUSY).busy_only
    assert shown(settings, FeedDetail.GOOGLE) == settings.practitioner("avery").choices.disclosure


@pytest.mark.parametrize(
    ("text", "detail"),
    [("Full", FeedDetail.FULL), (" as  google ", FeedDetail.GOOGLE), ("busy", FeedDetail.BUSY)],
)
def test_a_level_of_detail_is_read_as_a_person_writes_it(text: str, detail: FeedDetail) -> None:
    assert read_detail(text) is detail


def test_an_unknown_level_of_detail_is_named() -> None:
    with pytest.raises(BadInput, match="everything") as refused:
        read_detail("everything")
    assert refused.value.field == "detail"


@pytest.mark.parametrize("detail", FeedDetail)
def test_no_preset_passes_the_practices_cap_or_unmasks_a_type(detail: FeedDetail) -> None:
    own = Disclosure(client_name=ClientName.FULL, masked_types=frozenset({"counselling"}))
    settings = practice(disclosure=own)
    cap = DisclosureCap(
        items=frozenset({DisclosureItem.LOCATION}),
        client_name=ClientName.ID,
        masked_types=frozenset({"intake"}),
    )
    settings = replace(settings, practice=replace(settings.practice, cap=cap))
    result = shown(settings, detail)
    assert result.items <= cap.items
    assert result.client_name.openness <= ClientName.ID.openness
    assert result.masked_types == {"counselling", "intake"}


async def test_a_changed_link_keeps_its_address_and_shows_what_was_chosen_since() -> None:
    application = FeedApplication()
    await application.write(visit(1))
    link, url = await application.feeds.add("avery", label="Phone", detail=FeedDetail.FULL)
    token = token_of(url)
    before = await application.feeds.fetch(token, asking(token, gzip=False))
    changed = await application.feeds.edit(
        link.id,
        label="Work phone",
        detail=FeedDetail.BUSY,
        days_in_arrears=1,
        days_in_advance=30,
        expires=date(2030, 1, 1),
    )
    assert (changed.id, changed.token_hash) == (link.id, link.token_hash)
    assert await application.feeds.url(link.id) == url
    after = await application.feeds.fetch(token, asking(token, gzip=False))
    assert (before.status, after.status) == (200, 200)
    assert b"SUMMARY:Busy" in after.body
    assert b"SUMMARY:Busy" not in before.body
    assert (await application.feeds.links())[0].label == "Work phone"


async def test_a_link_that_is_off_or_gets_a_wrong_value_is_not_changed() -> None:
    application = FeedApplication()
    link, _url = await application.feeds.add("avery", label="Phone")
    same: dict[str, Any] = {"detail": link.detail, "days_in_arrears": 7}
    with pytest.raises(BadInput):
        await application.feeds.edit(link.id, label="", days_in_advance=60, **same)
    with pytest.raises(BadInput):
        await application.feeds.edit(link.id, label="A", days_in_advance=9999, **same)
    assert await application.feeds.links() == [link]
    await application.feeds.revoke(link.id)
    with pytest.raises(BadInput, match="switched off"):
        await application.feeds.edit(link.id, label="A", days_in_advance=60, **same)
