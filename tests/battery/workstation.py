"""One workstation as a process of its own: the real app, and a line on which the tests say what the
people at it do.

Started by `tests.battery.workstations`, as ``main()`` with one JSON document: where the line leads,
the app's ports, the file for what it believes of the lease, the pace of lease and turns. Each
request on the line is one JSON document, answered in its own time by another with the same id.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import struct
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from companion import main as composition
from companion import serving
from companion.adapters.database import lease_session, lock_table, named_locks
from companion.domain.appointments import AppointmentKind
from companion.domain.disclosure import DisclosureItem
from companion.domain.errors import CompanionError
from companion.services.assembly import Application
from companion.services.book.drafts import AppointmentDraft
from companion.services.home_ports import Ports
from companion.services.ports import WorkstationRegistry
from companion.services.sync import elsewhere
from companion.services.sync.passes import PassResult
from companion.web.options import AppOptions
from tests.battery.calendars import HIDDEN

Json = dict[str, Any]
SAMPLE = 0.01
"""Seconds between two looks at the lease."""
GAP = 0.25
"""A sampler that came so late does not know what it believed meanwhile."""
SPAN = struct.Struct("dd")
MOST_SPANS = 4096


class People:
    """What people do at this workstation. Each method answers what they would see."""

    def __init__(self, application: Application, ports: Ports) -> None:
        self._app = application
        self._ports = ports

    async def new(self, who: str, start: str, marker: str) -> Json:
        """A new appointment in the Book, whose type bears `marker`."""
        begins = datetime.fromisoformat(start)
        draft = AppointmentDraft(
            kind=AppointmentKind.CLIENT,
            practitioner_id=who,
            start=begins,
            end=begins.replace(minute=begins.minute + 15),
            appointment_type=marker,
            client_first_name="Mira",
            client_last_name=HIDDEN,
            location="Room 0",
            notes=f"Call {HIDDEN} back",
        )
        edit = await self._app.booking.create(draft, user="Robin")
        return {"key": edit.key}

    async def place(self, key: str, location: str) -> Json:
        """Somebody opens an appointment and types another room."""
        opened = await self._app.booking.open(key)
        draft = replace(opened.draft, location=location)
        await self._app.booking.edit(key, draft, seen=opened.revision)
        return {}

    async def cancel(self, key: str, cancelled: bool) -> Json:
        opened = await self._app.booking.open(key)
        change = self._app.booking.cancel if cancelled else self._app.booking.restore
        await change(key, seen=opened.revision)
        return {}

    async def bring(self, file: str, snapshot: bool) -> Json:
        """A file is imported."""
        preview = await self._app.importing.preview(Path(file), source="desk", snapshot=snapshot)
        report = await self._app.importing.apply(preview, yes=True)
        questions = [each.key for each in report.questions]
        return {"held": report.held, "questions": questions, "removed": report.removed}

    async def disclose(self, who: str, client_name: str, location: bool) -> Json:
        """The privacy of a practitioner is changed."""
        include = "type, location" if location else "type"
        values = {"client_name": client_name, "include": include}
        await self._app.practitioners.set_values(who, values)
        return {}

    async def upload(self, who: str) -> Json:
        done = await self._app.uploads.run(who)
        return {**told(done.written), "equal": done.proof is not None and done.proof.equal}

    async def pause(self) -> Json:
        """The background sync rests, on every workstation; what a person presses does not."""
        await self._app.pausing.pause()
        return {}

    async def sync(self, who: str, release: bool) -> Json:
        return told(await self._app.syncing.run(who, cause="test", release_held=release))

    async def audit(self, who: str) -> Json:
        result = await self._app.auditing.audit(who, repair=False)
        differences = [f"{each.kind} {each.key}" for each in result.differences]
        return {**told(result), "differences": differences}

    async def desired(self, who: str) -> Json:
        """What Google is to show, and what is left to do for it."""
        preview = await self._app.syncing.plan(who)
        plan = preview.plan
        return {
            "events": {each.key: [each.summary, each.location] for each in preview.desired},
            "left": len(plan.inserts) + len(plan.updates) + len(plan.deletes),
        }

    async def book(self, who: str, start: str, end: str) -> Json:
        """As this workstation's Book shows it."""
        first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
        found = await self._app.book.appointments(who, first, last)
        return {
            each.id: {
                "type": each.appointment_type,
                "location": each.location,
                "cancelled": each.cancelled,
                "source": each.source,
                "source_id": each.source_id,
            }
            for each in found
        }

    async def disclosed(self, who: str) -> Json:
        disclosure = self._app.settings.read().practitioner(who).choices.disclosure
        return {
            "client_name": disclosure.client_name,
            "location": DisclosureItem.LOCATION in disclosure.items,
        }

    async def revision(self, who: str) -> Json:
        return {"revision": (await self._app.book.revisions()).get(who, 0)}

    async def seen(self, key: str, location: str) -> Json:
        """When an open Book of this workstation shows the new room: it looks again at each notice,
        as the page does."""
        changed = asyncio.Event()
        unsubscribe = self._app.changes.subscribe(lambda _: changed.set())
        try:
            while True:
                changed.clear()
                found = await self._app.book.appointment(key)
                if found is not None and found.location == location:
                    return {"at": time.monotonic()}
                await changed.wait()
        finally:
            unsubscribe()

    async def workstations(self) -> Json:
        return {
            each.id: {"name": each.name, "on": each.on, "keeps": each.keeps_calendars}
            for each in await self._practice.workstations()
        }

    @property
    def _practice(self) -> WorkstationRegistry:
        assert self._ports.practice is not None
        return self._ports.practice

    async def keep(self, workstation: str) -> Json:
        """A person chooses who keeps the calendars."""
        await self._practice.let_keep(workstation)
        return {}

    async def lease(self) -> Json:
        return {"held": self._ports.lease.held}


def told(result: PassResult) -> Json:
    return {
        "error": None if result.error is None else type(result.error).__name__,
        "calls": result.api_calls,
        "held": result.held,
        "failed": result.failed,
    }


class LeaseSampler:
    """Writes down, where others can read it even when this process is dead, the spans of time in
    which the workstation itself was sure of the lease."""

    def __init__(self, path: Path, sure: Callable[[], bool]) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._sure = sure
        self._number = 0
        while SPAN.unpack_from(self._map, self._number * SPAN.size)[0]:
            self._number += 1
        threading.Thread(target=self._look, daemon=True, name="lease sampler").start()

    def _look(self) -> None:
        began = last = 0.0
        while True:
            now = time.monotonic()  # before the question: at this moment or later it was so
            if not self._sure() or now - last > GAP:
                if began:
                    self._number += 1
                began = 0.0
            if self._sure():
                began = began or now
                SPAN.pack_into(self._map, self._number * SPAN.size, began, now)
            last = now
            time.sleep(SAMPLE)


def new_spans(path: Path) -> Path:
    path.write_bytes(bytes(SPAN.size * MOST_SPANS))
    return path


def spans_of(path: Path) -> list[tuple[float, float]]:
    pairs = SPAN.iter_unpack(path.read_bytes())
    return [(began, ended) for began, ended in pairs if began]


async def obey(people: People, port: int, name: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    tasks = set()

    def say(document: Json) -> None:
        writer.write(json.dumps(document).encode() + b"\n")

    async def answer(request: Json) -> None:
        try:
            act: Callable[..., Awaitable[Json]] = getattr(people, request["act"])
            say({"id": request["id"], "answer": await act(**request["with"])})
        except CompanionError as error:
            say({"id": request["id"], "refused": type(error).__name__, "what": str(error)})
        except Exception as error:  # noqa: BLE001 - the test is told
            say({"id": request["id"], "broken": repr(error)})

    say({"name": name})
    while line := await reader.readline():
        task = asyncio.create_task(answer(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


def hurry(pace: float) -> None:
    """Lease, turns and silence last a shorter time, in proportion."""
    defaults: dict[str, float] = lease_session.LeaseTiming.__init__.__kwdefaults__ or {}
    defaults |= {name: seconds / pace for name, seconds in defaults.items()}
    seconds = lock_table.HELD_SECONDS / pace
    for name in ("_UNTIL", "_TAKE", "_RENEW"):
        words = getattr(lock_table, name)
        setattr(lock_table, name, words.replace(_whole(pace=1), _whole(pace=pace)))
    for module in (lock_table, named_locks):
        vars(module)["HELD_SECONDS"] = seconds
    for name in ("RENEW_EVERY", "FOR_A_CALL", "_MARGIN", "_LAST_WRITES"):
        setattr(named_locks, name, getattr(named_locks, name) / pace)
    for name in ("LONGEST", "DOUBTED", "SILENT"):
        setattr(elsewhere, name, getattr(elsewhere, name) / pace)


def _whole(*, pace: float) -> str:
    return f"{int(15_000 / pace)} ms"


def main() -> None:
    asked = json.loads(sys.argv[1])
    hurry(asked["pace"])
    app, parts = vars(serving), vars(composition)  # the real ones, and a line beside them
    real, build, made = app["open_companion"], parts["build"], list[Ports]()

    def building(ports: Ports) -> Application:
        made.append(ports)
        application: Application = build(ports)
        return application

    @asynccontextmanager
    async def open_and_obey(*positional: Any, **named: Any) -> AsyncIterator[Application]:
        async with real(*positional, **named) as application:
            LeaseSampler(Path(asked["spans"]), lambda: made[0].lease.held)
            people = People(application, made[0])
            line = asyncio.create_task(obey(people, asked["line"], asked["name"]))
            try:
                yield application
            finally:
                line.cancel()

    parts["build"], app["open_companion"] = building, open_and_obey
    # As in a demo nobody has to sign in.
    app["AppOptions"] = lambda **given: AppOptions(**given | {"demo": True})
    serving.serve(
        serving.ServeOptions(
            port=asked["port"],
            feed_host="127.0.0.1",
            feed_port=asked["feed_port"],
            browser=False,
            background=True,
        )
    )
