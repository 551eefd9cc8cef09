"""Changes: publishes what was committed to the subscribers in this process.

The stores publish right after each commit, so that no caller can forget to. The sync,
the calendar links, the boards and the open pages subscribe. A notice is a hint and never the only
way to learn of a change: what other processes of a home commit has none, and what other
workstations of a practice commit is published here too, a moment later, by the hub of its database.
The worker also looks at `AppointmentBook.change_sign` and at the settings every other second, so a
notice that is lost costs seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from companion.domain.errors import Technical

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookChanged:
    """Appointments were written, or an import was recorded."""

    practitioner_ids: frozenset[str] = frozenset()
    """Whose appointments differ now, also those whom an appointment left. Empty for an import
    that changed nothing."""


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """Any of the settings: of the practice, a practitioner, a source or a user."""


@dataclass(frozen=True, slots=True)
class FeedLinksChanged:
    """A calendar link was made, changed or removed; not that it was fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStateChanged:
    practitioner_id: str


@dataclass(frozen=True, slots=True)
class ActivityAdded:
    """The activity list has new lines."""


Change = BookChanged | SettingsChanged | FeedLinksChanged | SyncStateChanged | ActivityAdded
Notice = TypeVar("Notice")


class Publisher(Generic[Notice]):
    """Passes each notice to every subscriber, in the order in which they subscribed."""

    def __init__(self) -> None:
        self._listeners: dict[object, Callable[[Notice], object]] = {}

    def subscribe(self, listener: Callable[[Notice], object]) -> Callable[[], None]:
        """Call `listener` with every notice until the function returned is called. It runs in the
        publisher's own call, so it must be quick."""
        key = object()
        self._listeners[key] = listener

        def unsubscribe() -> None:
            self._listeners.pop(key, None)

        return unsubscribe

    def publish(self, notice: Notice) -> None:
        """Raises nothing: a listener that fails does not undo the commit."""
        for listener in tuple(self._listeners.values()):
            try:
                listener(notice)
            except Exception as error:  # noqa: BLE001 - one listener's error must not stop the rest
                kind, what = type(error).__name__, type(notice).__name__
                log.error("%s was not taken by a subscriber: %s", Technical(what), kind)


class Changes(Publisher[Change]):
    """One per process, to which its stores publish. Of the event loop's thread."""
