"""What other processes of this home may ask of the app that runs: the tray, and `run.py stop`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import companion
from companion.domain.errors import CompanionError
from companion.domain.practice_errors import DatabaseAway
from companion.services.assembly import Application
from companion.services.standing import standing
from companion.services.workstations import OTHERS_LATER
from companion.stopping import Stopping
from companion.web.control import Command

_SECONDS = 1.0
"""For a question that a stop does not depend on."""


def commands_of(application: Application, stop: Stopping) -> Mapping[str, Command]:
    """By their words."""
    began = application.clock.now()

    async def status() -> Mapping[str, Any]:
        try:
            if not application.shared_practice.reachable:
                raise DatabaseAway  # at once: whoever asks does not wait for long
            board = await application.status.board(activity=0)
            sources = await application.sources.overview()
            files = sum(len(each.note.waiting) for each in sources if each.automatic)
            shown = standing(board, application.clock.now(), files=files)
            mood, sentence = shown.mood, shown.sentence
        except CompanionError as error:
            mood, sentence = "waiting", error.what
        return {
            "program": companion.__version__,
            "since": began.isoformat(),
            "phones": application.reachability.address(),
            "mood": mood,
            "sentence": sentence,
            "shared": application.shared_practice.shared,
        }

    async def stopping() -> Mapping[str, Any]:
        goes_on = OTHERS_LATER
        with suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS):
                goes_on = await application.shared_practice.without_this_one()
        stop.ask()
        return {"stopping": True, "goes_on": goes_on}

    def after(*acts: Callable[[], Awaitable[object]]) -> Command:
        """How it stands then; or, in its place, that something could not be saved."""

        async def answered() -> Mapping[str, Any]:
            try:
                for act in acts:
                    await act()
                return await status()
            except CompanionError as error:
                return {"mood": "waiting", "sentence": f"{error.what} {error.remedy}"}

        return answered

    pausing = application.pausing
    return {
        "status": status,
        "stop": stopping,
        "sync": after(pausing.resume, application.asking.sync_now),
        "pause": after(pausing.pause),
        "resume": after(pausing.resume),
    }
