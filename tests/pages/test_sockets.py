"""A page's socket belongs to the session that the page was made for."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from nicegui import Client, ui
from nicegui.events import GenericEventArguments

from companion.adapters.logs import log_to
from companion.domain.users import Role
from tests.fakes.services import fake_application, the_sample
from tests.fakes.waiting import until
from tests.pages.browsing import ORIGIN, PORT, Browser, serving

SOCKET = "/_nicegui_ws/socket.io/"
USER_COOKIE = f"companion-user-{PORT}"


@dataclass
class Screen:
    """A browser with one page open, and a button on it that counts."""

    browser: Browser
    client: Client
    button: ui.button
    pressed: list[str]

    @property
    def press(self) -> dict[str, object]:
        """What the browser sends when the button is pressed."""
        (listener,) = self.button._event_listeners.values()
        return {
            "client_id": self.client.id,
            "id": self.button.id,
            "listener_id": listener.id,
            "args": [],
        }


async def screen(browser: Browser, path: str = "/practice") -> Screen:
    page = await browser.http.get(path)
    found = re.search(r"client_id[^0-9a-f]+([0-9a-f-]{36})", page.text)
    assert found, page.text
    client = Client.instances[found[1]]
    pressed: list[str] = []
    with client:
        button = ui.button("Count", on_click=lambda: pressed.append("pressed"))
    return Screen(browser, client, button, pressed)


class Socket:
    """Socket.IO over polling, as a browser does where websockets are kept from it."""

    def __init__(self, browser: Browser, sid: str) -> None:
        self.browser = browser
        self.sid = sid

    @classmethod
    async def open(cls, browser: Browser, client_id: str = "", *, tab: str = "t") -> Socket:
        """With `client_id` the page is joined at once, as NiceGUI's own script does it."""
        params = {"EIO": "4", "transport": "polling"}
        if client_id:
            params |= {"client_id": client_id, "implicit_handshake": "true", "tab_id": tab}
            params |= {"document_id": "d", "next_message_id": "0"}
        answer = await browser.http.get(SOCKET, params=params)
        assert answer.status_code == 200, answer.text
        socket = cls(browser, json.loads(answer.text[1:])["sid"])
        assert await socket.send("40") == 200
        return socket

    async def send(self, packet: str, *, by: Browser | None = None) -> int:
        answer = await (by or self.browser).http.post(
            SOCKET,
            params={"EIO": "4", "transport": "polling", "sid": self.sid},
            content=packet,
            headers={"origin": ORIGIN},
        )
        return answer.status_code

    async def say(self, name: str, *what: object) -> int:
        return await self.send("42" + json.dumps([name, *what]))

    async def hear(self, *, by: Browser | None = None) -> tuple[int, str]:
        answer = await (by or self.browser).http.get(
            SOCKET, params={"EIO": "4", "transport": "polling", "sid": self.sid}
        )
        return answer.status_code, answer.text


@pytest.fixture
async def alex(tmp_path: Path) -> AsyncIterator[Browser]:
    """The administrator; Kim of the reception exists too."""
    application = fake_application(the_sample())
    async with serving(application, tmp_path) as browser:
        await browser.launch()
        yield browser


async def kim_signs_in(browser: Browser) -> None:
    """In this browser, for the first time."""
    accounts = browser.application.services.accounts
    _, password = await accounts.add("Kim", Role.RECEPTION)
    await browser.be_known()
    await browser.sign_in("Kim", password)
    new = "pepper lantern quay"
    await browser.post("/account", present=password, new=new, again=new)


@pytest.fixture
async def kim(alex: Browser) -> AsyncIterator[Browser]:
    """Another browser."""
    browser = Browser(alex.app, alex.application, alex.options)
    async with browser.http:
        await kim_signs_in(browser)
        yield browser


async def test_the_own_page_is_joined_and_heard(alex: Browser) -> None:
    mine = await screen(alex)
    socket = await Socket.open(alex, mine.client.id)
    assert '"sid"' in (await socket.hear())[1]
    assert mine.client.has_socket_connection
    await socket.say("event", mine.press)
    assert mine.pressed == ["pressed"]


@pytest.mark.parametrize("way", ["in the address", "by a message"])
async def test_another_session_cannot_join_a_page(alex: Browser, kim: Browser, way: str) -> None:
    mine = await screen(alex)
    if way == "in the address":
        theirs = await Socket.open(kim, mine.client.id)
        assert (await theirs.hear())[1].startswith("44"), "connection refused"
    else:
        theirs = await Socket.open(kim)
        data = {"client_id": mine.client.id, "tab_id": "t", "document_id": "d"}
        await theirs.say("handshake", data)
    assert not mine.client.has_socket_connection
    await theirs.say("event", mine.press)
    assert mine.pressed == []


@pytest.mark.parametrize("message", ["event", "javascript_response", "ack", "log"])
async def test_a_socket_speaks_for_its_own_page_only(
    alex: Browser, kim: Browser, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    mine, own = await screen(alex), await screen(kim, "/book")
    await Socket.open(alex, mine.client.id)
    theirs = await Socket.open(kim, own.client.id)
    said = mine.press | {"request_id": "r", "next_message_id": 99, "level": "error"}
    await theirs.say(message, said | {"message": "written by somebody else"})
    assert mine.pressed == []
    assert "somebody else" not in caplog.text
    await theirs.say("event", own.press)
    assert own.pressed == ["pressed"], "its own page still hears it"


async def test_a_page_has_no_say_in_the_log(
    alex: Browser, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Neither with NiceGUI's message for that nor by making its own handlers fail."""
    mine = await screen(alex)
    socket = await Socket.open(alex, mine.client.id)

    def fail(event: GenericEventArguments) -> None:
        raise KeyError(event.args)

    with mine.client:
        field = ui.element("div").on("tell", fail)
    (told,) = field._event_listeners.values()
    forged = "Zebediah\r\n2026-03-02 09:00:00,000 ERROR companion: Quillfeather"
    about = {"client_id": mine.client.id, "id": field.id, "listener_id": told.id}
    with log_to(tmp_path) as log:
        await socket.say("log", about | {"level": "error", "message": forged})
        assert caplog.text == ""
        await socket.say("event", about | {"args": [json.dumps(forged)]})
        await until(log.exists)
    lines = log.read_text(encoding="utf-8").splitlines()
    assert any("unexpected KeyError" in each for each in lines)
    assert not any("Zebediah" in each or "Quillfeather" in each for each in lines)


async def test_a_damaged_message_does_nothing(
    alex: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    mine = await screen(alex)
    socket = await Socket.open(alex, mine.client.id)
    own = {"client_id": mine.client.id}
    damaged: list[list[object]] = [[], [None], [7], [{}], [{"client_id": ["a"]}], [own], [own, own]]
    damaged += [[own | {"id": mine.button.id, "args": 7}], [mine.press | {"listener_id": 7}]]
    for message in ("handshake", "event", "javascript_response", "ack", "log", "no such thing"):
        for said in damaged:
            assert await socket.say(message, *said) == 200
    await socket.say("event", mine.press)
    await until(lambda: mine.pressed)
    assert mine.pressed == ["pressed"]
    gc.collect()
    assert caplog.records == []


async def test_a_socket_is_not_taken_over_by_its_number(alex: Browser, kim: Browser) -> None:
    mine = await screen(alex)
    socket = await Socket.open(alex, mine.client.id)
    press = "42" + json.dumps(["event", mine.press])
    assert await socket.send(press, by=kim) == 403
    assert (await socket.hear(by=kim))[0] == 403
    assert mine.pressed == []
    assert await socket.send(press) == 200
    assert mine.pressed == ["pressed"]


async def test_pressing_over_polling_keeps_the_session(alex: Browser) -> None:
    mine = await screen(alex)
    socket = await Socket.open(alex, mine.client.id)
    for _ in range(3):
        await alex.application.clock.sleep(20 * 60)
        await socket.say("event", mine.press)
    assert len(mine.pressed) == 3
    assert (await alex.http.get("/practice")).status_code == 200


# ── somebody else in the same browser ─────────────────────────────────────────────────────────


async def test_signing_in_as_somebody_else_ends_the_earlier_session(alex: Browser) -> None:
    mine = await screen(alex)
    socket = await Socket.open(alex, mine.client.id)
    earlier = alex.http.cookies[USER_COOKIE]
    await kim_signs_in(alex)
    later = alex.http.cookies[USER_COOKIE]
    assert earlier != later
    await socket.say("event", mine.press)
    assert mine.pressed == [], "neither as Alex nor as Kim"
    alex.http.cookies.set(USER_COOKIE, earlier, domain="127.0.0.1", path="/")
    assert (await alex.http.get("/practice")).status_code == 303, "Alex is signed out"


async def test_the_earlier_tab_says_who_is_signed_in_now(alex: Browser) -> None:
    await kim_signs_in(alex)
    page = await alex.http.get("/sign-in?ended=1")
    assert page.status_code == 200
    assert "Kim has signed in" in page.text
    assert 'href="/"' in page.text
    assert 'action="/sign-out"' in page.text
    assert (await alex.http.get("/sign-in")).status_code == 303, "no tab of an ended session"


async def test_signing_in_elsewhere_ends_nothing(alex: Browser, kim: Browser) -> None:
    assert kim.http.cookies[USER_COOKIE] != alex.http.cookies[USER_COOKIE]
    assert (await alex.http.get("/practice")).status_code == 200
