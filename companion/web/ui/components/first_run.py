"""FirstRun: until a calendar is filled, what is still to be done, in order, with the next step to
press."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from companion.services.access.policy import Action
from companion.web.ui.components.setup_steps import StepNumber
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, card, link_button, text

if TYPE_CHECKING:
    from companion.services.status import Board


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    title: str
    why: str
    done: bool
    label: str
    icon: str
    target: str = ""
    press: Callable[[], object] | None = None


class FirstRun:
    def __init__(
        self, site: Site, *, add: Callable[[], object], connect: Callable[[], object]
    ) -> None:
        """`add` asks for a practitioner, `connect` for whom to connect."""
        self._site = site
        self._add = add
        self._connect = connect
        self._place = box()
        self._seen: object = None

    async def show(self, board: Board) -> None:
        if board.running:
            if self._seen is not None:
                self._place.clear()
                self._seen = None
            return
        steps = await self._steps(board)
        seen = [(step.done, step.label, step.target) for step in steps]
        if seen == self._seen:
            return
        self._seen = seen
        self._place.clear()
        with self._place, card("Getting started"):
            done = sum(step.done for step in steps)
            text(f"{done} of {len(steps)} steps done.", "soft").props("role=status")
            current = next((step for step in steps if not step.done), None)
            with box("begin", tag="ol"):
                for number, step in enumerate(steps, 1):
                    _row(number, step, current=step is current)

    async def _steps(self, board: Board) -> list[_Step]:
        services = self._site.services
        client = bool(await services.connecting.client_name())
        people = board.practitioners
        unconnected = [each for each in people if not each.connected]
        waiting = [each for each in people if each.connected]
        first = waiting[0] if waiting else unconnected[0] if unconnected else None
        last = _Step(
            title="Connect and upload",
            why="Each practitioner signs in at Google once; then their calendar is filled.",
            done=False,
            label="Go on with the upload" if waiting else "Connect to Google …",
            icon="cloud_upload" if waiting else "login",
            target=f"/practitioner/{first.practitioner.id}" if first is not None else "",
            press=self._connect if not waiting and len(unconnected) > 1 else None,
        )
        steps = [
            _Step(
                title="Google client",
                why="Once for the practice: a file from Google lets this program ask for sign-ins.",
                done=client or await services.connecting.delegates(),
                label="Add the Google client",
                icon="key",
                target="/practice/google",
            ),
            _Step(
                title="Appointment book",
                why="Bring in an export of your practice software.",
                done=not board.book_is_empty,
                label="Import appointments",
                icon="upload_file",
                target="/import",
            ),
            _Step(
                title="People",
                why="Whose calendars are kept. An import finds them by name.",
                done=bool(people),
                label="Add practitioner",
                icon="person_add",
                press=self._add,
            ),
            last,
        ]
        return steps if self._site.may(Action.PRACTICE) else steps[1:]


def _row(number: int, step: _Step, *, current: bool) -> None:
    with box("begin__step", tag="li") as row:
        if current:
            row.props("aria-current=step")
        StepNumber(number, done=step.done)
        with box("begin__words"):
            text(step.title, "strong")
            text(step.why, "soft small")
        if step.done:
            return
        look: Literal["primary", "plain"] = "primary" if current else "plain"
        if step.press is not None:
            button(step.label, step.press, icon=step.icon, look=look)
        elif step.target:
            link_button(step.label, step.target, icon=step.icon, look=look)
