"""An app that was started while the database of its practice is away: over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from companion.adapters.feed_files import FeedFiles
from companion.domain.errors import BadInput
from companion.domain.practice_errors import DatabaseAway, PracticeKeyRenewed
from companion.domain.settings import PracticeSettings
from companion.domain.tokens import token_digest
from companion.services.feeds.answers import FeedBody
from companion.services.feeds.links import file_name, to_keep
from companion.stopping import Stopping
from companion.waiting import PhoneSettings, WaitingPlace, open_when_reachable
from companion.web.binding import bind
from companion.web.control import ControlPath, ask_running_app, command_running_app, control_secret
from companion.web.launching import LaunchTokens
from companion.web.waiting_page import WaitedFor, waiting_page
from tests.contract.test_feed_store import link
from tests.fakes.free_ports import free_port
from tests.fakes.waiting import until

TOKEN = "t" * 43
NEW_KEY = "the-new-key"
CALENDAR = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


@dataclass
class House:
    place: WaitingPlace
    stop: Stopping
    away: bool = True
    renewed: bool = False
    """The practice key, until the new one was typed."""
    tries: int = 0
    said: list[str] = field(default_factory=list)

    async def attempt(self) -> str:
        self.tries += 1
        if self.away:
            raise DatabaseAway
        if self.renewed:
            raise PracticeKeyRenewed
        return "opened"

    async def take_key(self, typed: str) -> None:
        if typed != NEW_KEY:
            raise BadInput("That is not the key <b>.", "Ask again.", field="practice_key")
        self.renewed = False

    async def type_key(self, typed: str, path: str = "/", **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            root = f"http://127.0.0.1:{self.place.port}"
            return await client.post(
                root + path,
                data={"practice_key": typed},
                headers={"origin": root, **headers},
                timeout=10,
            )

    async def get(self, path: str, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"http://127.0.0.1:{self.place.port}{path}"
            return await client.get(url, headers=headers, timeout=10)

    async def phone(self, token: str = TOKEN) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"http://127.0.0.1:{self.place.feed_port}/feeds/{token}.ics"
            return await client.get(url, timeout=10)

    @property
    def secret(self) -> str:
        return control_secret(self.place.home / "control.secret")


@asynccontextmanager
async def waiting_house(
    home: Path, *, renewed: bool = False
) -> AsyncIterator[tuple[House, asyncio.Task[str | None]]]:
    async def take_key(typed: str) -> None:
        await house.take_key(typed)

    listening = bind("127.0.0.1", 0)
    with listening, Stopping() as stop, stop.signals():
        place = WaitingPlace(
            home=home,
            port=int(listening.getsockname()[1]),
            app_socket=listening,
            feed_host="127.0.0.1",
            feed_port=free_port(),
            launches=LaunchTokens(),
            take_key=take_key,
        )
        house = House(place, stop, away=not renewed, renewed=renewed)
        task = asyncio.create_task(
            open_when_reachable(
                house.attempt,
                place,
                stop,
                on_wait=lambda error: house.said.append(error.what),
                try_seconds=0.02,
            )
        )
        try:
            yield house, task
        finally:
            house.away = house.renewed = False
            await task


async def keep(home: Path, **changes: Any) -> None:
    """The last answer of a link."""
    kept = link(token_hash=token_digest(TOKEN), **changes)
    content = to_keep(kept, FeedBody.of(CALENDAR, events=1))
    await FeedFiles(home / "feeds").keep(file_name(kept.token_hash), TOKEN, content)


async def test_a_page_says_so_and_goes_on_by_itself_with_its_launch_token(tmp_path: Path) -> None:
    async with waiting_house(tmp_path) as (house, _task):
        await until(lambda: house.tries > 2)
        shown = await house.get("/book?launch=abc")
    assert shown.status_code == 503
    assert "database cannot be reached" in shown.text
    assert "Phones get the last good calendar. Nothing is lost." in shown.text
    assert 'content="3;url=/book?launch=abc"' in shown.text
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    assert house.said == ["The practice's database cannot be reached."]


async def test_other_sites_and_other_names_are_refused_as_by_the_app(tmp_path: Path) -> None:
    async with waiting_house(tmp_path) as (house, _task):
        await until(lambda: house.tries > 1)
        assert (await house.get("/", host="evil.example")).status_code == 421
        assert (await house.get("/", origin="http://evil.example")).status_code == 403


async def test_phones_get_the_last_good_calendar_after_a_restart(tmp_path: Path) -> None:
    await keep(tmp_path)
    async with waiting_house(tmp_path) as (house, _task):
        await until(lambda: house.tries > 1)
        answer = await house.phone()
        unknown = await house.phone("u" * 43)
    assert (answer.status_code, answer.content) == (200, CALENDAR)
    assert unknown.status_code == 503  # it may be a link: "gone" would make a phone forget it


async def test_a_link_that_has_expired_meanwhile_gives_nothing(tmp_path: Path) -> None:
    await keep(tmp_path, expires_at=datetime.now(UTC) - timedelta(days=1))
    async with waiting_house(tmp_path) as (house, _task):
        await until(lambda: house.tries > 1)
        assert (await house.phone()).status_code == 503


async def test_the_app_is_found_asked_and_opened_by_other_processes(tmp_path: Path) -> None:
    async with waiting_house(tmp_path) as (house, _task):
        await until(lambda: house.tries > 1)
        said = await command_running_app(house.place.port, house.secret, "status")
        url = await ask_running_app(house.place.port, house.secret)
    assert said is not None
    assert said["sentence"] == "The practice's database cannot be reached."
    assert url is not None
    assert house.place.launches.take(url.partition("launch=")[2])


async def test_it_opens_once_the_database_is_back_and_the_port_stays_its_own(
    tmp_path: Path,
) -> None:
    async with waiting_house(tmp_path) as (house, task):
        await until(lambda: house.tries > 1)
        house.away = False
        assert await task == "opened"
        _, writer = await asyncio.open_connection("127.0.0.1", house.place.port)
        writer.close()
        with pytest.raises(OSError):  # noqa: PT011 - which one differs between systems
            await asyncio.open_connection("127.0.0.1", house.place.feed_port)


async def test_it_can_be_stopped_while_it_waits(tmp_path: Path) -> None:
    async with waiting_house(tmp_path) as (house, task):
        await until(lambda: house.tries > 1)
        said = await command_running_app(house.place.port, house.secret, "stop")
        assert said is not None
        assert said["stopping"]
        assert "go on as soon as the database answers" in said["goes_on"]
        assert await task is None


async def test_a_renewed_practice_key_is_asked_for_and_the_right_one_opens(tmp_path: Path) -> None:
    await keep(tmp_path)
    async with waiting_house(tmp_path, renewed=True) as (house, task):
        await until(lambda: house.tries > 1)
        asked = await house.get("/book?launch=abc")
        assert (await house.phone()).content == CALENDAR
        assert asked.status_code == 503, "so the page looks whether the app is open"
        assert "practice key was renewed on another workstation" in asked.text
        assert '<form method="post" action="/book?launch=abc">' in asked.text
        assert "http-equiv" not in asked.text, "nobody's typing is thrown away"
        refused = await house.type_key("wrong", "/book?launch=abc")
        assert (refused.status_code, refused.headers["location"]) == (303, "/book?launch=abc")
        told = await house.get("/book?launch=abc")
        assert "That is not the key &lt;b&gt;. Ask again." in told.text
        assert 'aria-invalid="true"' in told.text
        assert "wrong" not in told.text
        said = await command_running_app(house.place.port, house.secret, "status")
        assert said is not None
        assert "practice key was renewed" in said["sentence"]
        assert (await house.type_key(NEW_KEY)).status_code == 303
        assert await task == "opened"
    assert house.said == [PracticeKeyRenewed.default_what]


async def test_a_practice_key_is_taken_once_however_often_the_button_is_pressed() -> None:
    asked, sent, go_on = list[str](), list[int](), asyncio.Event()

    async def take_key(typed: str) -> None:
        asked.append(typed)
        await go_on.wait()

    async def form() -> AsyncIterator[bytes]:
        yield f"practice_key={NEW_KEY}".encode()
        sent.append(1)

    control = ControlPath("secret", 8090, LaunchTokens())
    page = waiting_page(8090, control, WaitedFor(PracticeKeyRenewed()), take_key)
    root = "http://127.0.0.1:8090"
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(page), base_url=root, headers={"origin": root}
    ) as browser:
        presses = [asyncio.create_task(browser.post("/", content=form())) for _ in range(2)]
        await until(lambda: len(sent) == 2)
        go_on.set()
        assert [each.status_code for each in await asyncio.gather(*presses)] == [303, 303]
        assert asked == [NEW_KEY]
        assert "The key is right" in (await browser.get("/", headers={"origin": ""})).text


async def test_no_other_site_types_a_practice_key_nor_anybody_while_none_is_asked_for(
    tmp_path: Path,
) -> None:
    async with waiting_house(tmp_path, renewed=True) as (house, _task):
        await until(lambda: house.tries > 1)
        foreign = await house.type_key(NEW_KEY, origin="http://evil.example")
        assert foreign.status_code == 403
        assert (await house.type_key("x" * 5000)).status_code == 303
        assert house.renewed
        tries = house.tries
        house.away = True
        await until(lambda: house.tries > tries + 1)
        assert (await house.type_key(NEW_KEY)).status_code == 503
        assert "database cannot be reached" in (await house.get("/")).text
        assert house.renewed


async def test_a_server_that_answers_at_once_is_not_waited_for(tmp_path: Path) -> None:
    async with waiting_house(tmp_path) as (house, task):
        house.away = False
        assert await task == "opened"
    assert (house.tries, house.said) == (1, [])


def test_what_phones_need_of_the_settings_is_noted(tmp_path: Path) -> None:
    assert PhoneSettings.noted(tmp_path) == PhoneSettings()
    practice = PracticeSettings(feed_certificate="/c.pem", feed_key="/k.pem", feed_proxy="10.0.0.1")
    PhoneSettings.of(practice).note(tmp_path)
    assert PhoneSettings.noted(tmp_path).read().practice.feed_certificate == "/c.pem"
    (tmp_path / "phones.settings").write_text("{", encoding="utf-8")
    assert PhoneSettings.noted(tmp_path) == PhoneSettings()
