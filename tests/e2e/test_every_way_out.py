"""Names planted in every text of a real home: whatever leaves it holds none of them.

One practice, every disclosure that hides something, and every way out: what Google is sent, links
for phones, exported calendars, the log, the support bundle, what commands print, tables to save and
settings to carry.
"""

from __future__ import annotations

import asyncio
import io
import logging
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
from companion.sandbox.simulator_api import SimulatorApi
from companion.sandbox.wire import ApiRequest
from companion.services.feeds.answers import Poll
from companion.web.ui.importing.rows import rejected_csv
from tests.e2e.command_home import CommandHome, open_desk
from tests.fakes.names import ELSEWHERE, ORDINARY, PLAIN, plain
from tests.fakes.planted import FORMER, PRESENT, damaged, renamed, rows
from tests.samples.exports import csv_bytes

ANNA = "Anna Example"
EVERYTHING = "include=type,location,notes,status,practitioner,reminder"


@dataclass
class Desk(CommandHome):
    requests: list[str] = field(default_factory=list)
    """As Google was sent them."""

    def observe(self, request: ApiRequest, _caller: Caller | None) -> None:
        body = request.body.decode("utf-8", "replace")
        self.requests.append(f"{request.path}?{request.query} {request.headers} {body}")

    async def shown(self) -> dict[str, str]:
        """What each phone shows, by its name."""
        async with open_companion(self.opened, holder="the test") as application:
            found = {}
            for link in await application.feeds.links():
                url = await application.feeds.url(link.id)
                token = url.rpartition("/")[2].removesuffix(".ics")
                answer = await application.feeds.fetch(
                    token, Poll(token_digest(token)), "192.0.2.7"
                )
                assert answer.status == 200
                found[link.label] = f"{answer.headers!r} {answer.body.decode()}"
            return found

    async def reported(self, file: Path) -> dict[str, str]:
        """What the practice, and who helps it, gets to read and to save."""
        async with open_companion(self.opened, holder="the test") as application:
            try:
                raise KeyError("Zebediah Quillfeather")
            except KeyError:
                logging.getLogger("companion.somewhere").exception("an unexpected error")
            diagnosis = await application.doctor.examine()
            bundle = zipfile.ZipFile(io.BytesIO(await application.support.bundle(diagnosis)))
            preview = await application.importing.preview(file)
            parts = {f"bundle: {each}": bundle.read(each).decode() for each in bundle.namelist()}
            return {
                **parts,
                "rejected rows": rejected_csv(preview.rejected).decode(),
                "settings file": application.transfer.export().decode(),
            }

    @property
    def opened(self) -> Environment:
        return Environment.of_process(self.settings)


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


RANDOM = re.compile(r"(?<![0-9a-z])[0-9a-v]{52}(?![0-9a-z])|Bearer [\w.~+/-]+")
"""Ids of events, which are digests, and tokens: a short name is in one of some thousand of them."""


def names_in(text: str, *, given: bool = True) -> list[str]:
    """Those of everybody that stand in the text, however they are written there and encoded."""
    text = RANDOM.sub(" ", text)
    text = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), text)
    flat = plain(unquote(text.replace("\r\n ", "")).replace("\\n", " "))
    words = [last for _, last in (*PLAIN, FORMER, PRESENT)]
    words += [first for first, _ in PLAIN if given]
    words += [each for word in words for each in ELSEWHERE.get(word, ())]
    words += [f"{first}{last}" for first, last in ORDINARY if given]
    return [word for word in words if plain(word) in flat]


@pytest.mark.parametrize("mode", ClientName)
def test_google_phones_and_files_are_shown_no_hidden_name(desk: Desk, mode: ClientName) -> None:
    desk.run("settings", ANNA, EVERYTHING, f"client_name={mode}")
    desk.requests.clear()
    desk.run("sync", ANNA)
    sent = [each for each in desk.requests if "companionKey" in each]
    assert len(sent) > 5
    shown = {"export": desk.run("export", ANNA), **asyncio.run(desk.shown())}
    shown |= {f"request {number}": text for number, text in enumerate(sent)}
    given = mode is not ClientName.FIRST
    found = {way: names for way, text in shown.items() if (names := names_in(text, given=given))}
    if mode is ClientName.FULL:  # else nothing could be found
        assert len(names_in(shown["export"])) > 40
        assert found.keys() >= {"A google phone", "export", "request 0"}
        found = {way: found[way] for way in ("A initials phone", "A busy phone") if way in found}
    assert found == {}


def test_no_report_list_log_or_saved_file_holds_a_name(desk: Desk, tmp_path: Path) -> None:
    """Also of what went wrong: slipped rows, a file with a client's name, events that Google
    refuses."""
    slipped, named = tmp_path / "slipped.csv", tmp_path / "Zebediah Quillfeather.csv"
    slipped.write_bytes(csv_bytes(damaged(ANNA)))
    named.write_bytes(b"\x00\x01 not a table")
    for event in desk.live()[:3]:
        desk.google.api.faults.add(
            match=f"{event['id']}$", kind="status", status=400, reason="invalid"
        )
    desk.run("settings", ANNA, EVERYTHING, "client_name=initials")
    desk.run("sync", ANNA, code=1)
    desk.google.api.faults.clear()
    desk.run("import", slipped, "--source", "pla", code=3)
    desk.run("import", named, code=1)
    found = asyncio.run(desk.reported(slipped))
    found["activity.csv"] = desk.run("activity", "--csv", tmp_path / "activity.csv", "--json")
    found["activity.csv"] += (tmp_path / "activity.csv").read_text(encoding="utf-8-sig")
    for words in ("sync --all", "audit --all", "status", "doctor", "feeds list", "imports list"):
        found[words] = desk.run(*words.split(), "--json")
    logs = [each.read_text(encoding="utf-8") for each in desk.home.glob("companion.log*")]
    found["log"] = "\n".join(logs)
    assert "unexpected error" in found["log"]
    assert {way: names for way, text in found.items() if (names := names_in(text))} == {}
