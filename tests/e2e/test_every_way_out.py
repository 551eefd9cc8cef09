"""Names planted in every text of a real home: whatever leaves it holds none of them.

One practice, every disclosure that hides something, and every way out: what Google is sent, links
for phones, exported calendars, the log, the support bundle, what commands print, tables to save and
settings to carry.
"""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import pytest

from companion.domain.disclosure import ClientName
from companion.domain.tokens import token_digest
from companion.environment import Environment
from companion.main import open_companion
from companion.sandbox.access import Caller
from companion.sandbox.simulator_api import ApiRequest, SimulatorApi
from companion.services.assembly import Application
from companion.services.feeds.answers import Poll
from companion.web.ui.importing.rows import rejected_csv
from tests.e2e.command_home import CommandHome, open_desk
from tests.fakes.names import ELSEWHERE, ORDINARY, PLAIN, plain
from tests.fakes.planted import FORMER, PRESENT, damaged, renamed, rows
from tests.samples.exports import csv_bytes

ANNA = "Anna Example"
EVERYTHING = "include=type,location,notes,status,practitioner,reminder"
HIDING = [mode for mode in ClientName if mode is not ClientName.FULL]


@dataclass
class Desk(CommandHome):
    requests: list[str] = field(default_factory=list)
    """As Google was sent them."""

    def observe(self, request: ApiRequest, _caller: Caller | None) -> None:
        body = request.body.decode("utf-8", "replace")
        self.requests.append(f"{request.path}?{request.query} {request.headers} {body}")

    async def feeds(self, application: Application) -> list[str]:
        """What every link shows, and how it is told."""
        told = []
        for link in await application.feeds.links():
            token = (await application.feeds.url(link.id)).rpartition("/")[2].removesuffix(".ics")
            poll = Poll(token_digest(token), client="A phone")
            answer = await application.feeds.fetch(token, poll, "192.0.2.7")
            assert answer.status == 200
            told.append(f"{answer.headers!r} {answer.body.decode()}")
        return told

    async def ways_out(self, file: Path) -> dict[str, str]:
        """Of everything but Google, as text."""
        environment = Environment.of_process(self.settings)
        async with open_companion(environment, holder="the test") as application:
            diagnosis = await application.doctor.examine()
            bundle = zipfile.ZipFile(io.BytesIO(await application.support.bundle(diagnosis)))
            preview = await application.importing.preview(file)
            return {
                "links": "\n".join(await self.feeds(application)),
                "bundle": "\n".join(
                    f"{each} {bundle.read(each).decode()}" for each in bundle.namelist()
                ),
                "activity": "\n".join(
                    f"{each.text} {each.cause}" for each in await application.activity.recent(999)
                ),
                "rejected rows": rejected_csv(preview.rejected).decode(),
                "settings file": application.transfer.export().decode(),
            }


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with open_desk(folder, Desk) as made:
        SimulatorApi.observers.append(made.observe)
        try:
            made.run("practice", "settings", "user_rate=1000", "project_rate=10000")
            for name, content in (
                ("before.csv", [renamed(ANNA, FORMER)]),
                ("after.csv", [renamed(ANNA, PRESENT)]),
                ("planted.csv", [*rows(ANNA), *damaged(ANNA)]),
            ):
                (folder / name).write_bytes(csv_bytes(content))
                made.run("import", folder / name, "--source", name[:3], "--yes")
            made.connect()
            for detail in ("initials", "busy", "google"):
                made.run("feeds", "add", ANNA, "--label", f"A {detail} phone", "--detail", detail)
            yield made
        finally:
            SimulatorApi.observers.remove(made.observe)


def names_in(text: str, *, given: bool = True) -> list[str]:
    """Those of everybody that stand in the text, however they are written there and encoded."""
    text = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), text)
    flat = plain(unquote(text.replace("\r\n ", "")).replace("\\n", " "))
    words = [last for _, last in (*PLAIN, FORMER, PRESENT)]
    words += [first for first, _ in PLAIN if given]
    words += [each for word in words for each in ELSEWHERE.get(word, ())]
    words += [f"{first}{last}" for first, last in ORDINARY if given]
    return [word for word in words if plain(word) in flat]


def test_what_is_looked_for_is_there_to_be_found(desk: Desk) -> None:
    desk.run("settings", ANNA, EVERYTHING, "client_name=full")
    desk.requests.clear()
    desk.run("sync", ANNA)
    sent = "\n".join(desk.requests)
    assert len(names_in(sent)) > 40
    assert "fullname" not in sent


@pytest.mark.parametrize("mode", HIDING)
def test_google_is_sent_no_name(desk: Desk, mode: ClientName) -> None:
    desk.run("settings", ANNA, EVERYTHING, f"client_name={mode}")
    desk.requests.clear()
    desk.run("sync", ANNA)
    desk.run("audit", ANNA)
    sent = [each for each in desk.requests if "companionKey" in each]
    assert len(sent) > 5
    assert {
        name: each for each in sent for name in names_in(each, given=mode is not ClientName.FIRST)
    } == {}


@pytest.mark.parametrize("mode", HIDING)
def test_nothing_else_that_leaves_holds_a_name(
    desk: Desk, mode: ClientName, tmp_path: Path
) -> None:
    desk.run("settings", ANNA, EVERYTHING, f"client_name={mode}")
    hidden = mode is not ClientName.FIRST
    file = tmp_path / "slipped.csv"
    file.write_bytes(csv_bytes(damaged(ANNA)))
    found = asyncio.run(desk.ways_out(file))
    found["export"] = desk.run("export", ANNA)
    for words in ("sync", "audit", "status", "doctor", "activity", "feeds list", "imports list"):
        found[words] = desk.run(
            *words.split(), "--json", *(["--all"] if words in {"sync", "audit"} else [])
        )
    found["log"] = "\n".join(each.read_text() for each in desk.home.glob("companion.log*"))
    links = names_in(found.pop("links"), given=hidden) + names_in(found.pop("export"), given=hidden)
    assert links == []
    assert {way: names for way, text in found.items() if (names := names_in(text))} == {}
