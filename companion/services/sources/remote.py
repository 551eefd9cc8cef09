"""RemoteSource: a kind of place from which appointments are fetched; the port that each implements.

    fields + secret + cursor ─▶ fetch ─▶ nothing new: no file
                                      ─▶ a private file with everything, or with what changed

The file is one that an import reads: a calendar (.ics), FHIR resources (.ndjson), or rows whose
headings a layout knows (`RowsFile`). What becomes of it (questions, identity, holding, proof) is
the import's; when to ask, what to keep and what to say of a failure is `Fetching`'s.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceField:
    """One thing that a person types or chooses to add a source of a kind."""

    name: str
    """Key in the settings."""
    label: str
    hint: str = ""
    required: bool = True
    default: str = ""
    lines: int = 1
    """Of the field on the page."""
    choices: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Value to label; empty for any text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKind:
    """What pages and commands need to know of a kind to offer it."""

    name: str
    """Stands in the settings: ``link``, ``cliniko``."""
    title: str
    """As a person is told: "Cliniko"."""
    about: str
    """One sentence: what it is fetched from, and what one needs for it."""
    secret: SourceField
    """Sealed; the name of this field is of no account."""
    fields: tuple[SourceField, ...] = ()
    every: timedelta = timedelta(minutes=15)
    """How often, where nobody chose."""
    soonest: timedelta = timedelta(minutes=5)
    """The most often it may be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlace:
    """Where a source fetches from, as typed by a person and then checked."""

    place: str
    """A few words without any secret, for pages, logs and sentences: ``calendar.example``."""
    secret: str
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What is kept; each name is one of the kind's."""


class Stopped(Exception):
    """The fetch is not wanted any more."""


class Stop:
    """Ends a fetch from outside its thread."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._why: Exception = Stopped()
        self._actions: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def ask(self, why: Exception | None = None) -> None:
        """From any thread. `why`: what `check` raises; `Stopped` where it is None."""
        with self._lock:
            if self._asked.is_set():
                return
            self._why = why or self._why
            self._asked.set()
            actions = list(self._actions)
        for each in actions:
            each()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def check(self) -> None:
        """Raises Stopped, or SourceUnreachable when it took too long."""
        if self._asked.is_set():
            raise self._why

    def wait(self, seconds: float) -> None:
        """Sleeps; raises as `check` as soon as it is asked to stop."""
        self._asked.wait(max(seconds, 0.0))
        self.check()

    @contextlib.contextmanager
    def interrupting(self, action: Callable[[], None]) -> Iterator[None]:
        """While in here, `action` (from another thread) breaks off a call that blocks; whatever
        that call then raises, `check`'s word is what comes out."""
        self.check()
        with self._lock:
            self._actions.append(action)
        try:
            yield
        except Exception:
            self.check()
            raise
        finally:
            with self._lock:
                self._actions.remove(action)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    fields: Mapping[str, str]
    secret: str
    cursor: str
    """As the last answer whose file went into the book gave it; empty: fetch everything."""
    folder: Path
    """Private, empty, of this fetch alone: files made in it are removed afterwards."""
    now: datetime
    """Aware UTC."""
    timezone: str
    """IANA, of the practice."""
    most: int | None = None
    """Rows that are wanted, where somebody only tries it; None for all."""
    stop: Stop = field(default_factory=Stop)
    on_progress: Callable[[int, int | None], None] = lambda _done, _of: None

    def progress(self, done: int, of: int | None = None) -> None:
        """Appointments so far, of how many where that is known. To be called at least once a page.
        Raises as `Stop.check`."""
        self.stop.check()
        self.on_progress(done, of)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchAnswer:
    file: Path | None = None
    """In the request's folder; its ending says what it is. None: nothing has changed."""
    whole: bool = True
    """The file holds all there is, for its days and practitioners: what is missing was removed.
    Else only what changed since the cursor, each as it now is. Always whole without a cursor."""
    cursor: str = ""
    """Where the next fetch goes on, in words of the adapter's own (an ETag, the server's time less
    an overlap). Kept only once the file is in the book; empty where every fetch is whole."""
    digest: str = ""
    """Of what it means, where equal bytes would say too little; empty for the file's own."""


class RemoteSource(Protocol):
    """One per kind and process, named in the composition root; used by several threads at once.

    `fetch` blocks, in a thread of its own, and keeps to bounded memory. It raises SourceUnreachable
    with a `reason` (see `SourceTrouble`) and a sentence that holds no secret and no client's name;
    what it must never do is to hand over a part as if it were the whole."""

    @property
    def kind(self) -> SourceKind: ...

    def check(self, fields: Mapping[str, str], secret: str) -> SourcePlace:
        """What was typed, without asking any network: all fields of the kind, trimmed, filled in
        as usual and one of their choices. Raises BadInput whose `field` is the field's name, or
        ``secret``; it does not repeat the secret."""
        ...

    def fetch(self, request: FetchRequest) -> FetchAnswer:
        """Raises SourceUnreachable, BadInput for an unusable proxy, Stopped."""
        ...


RemoteSources = Mapping[str, RemoteSource]
"""By the name of their kind, in the order in which they are offered."""


def by_name(*sources: RemoteSource) -> RemoteSources:
    return {each.kind.name: each for each in sources}
