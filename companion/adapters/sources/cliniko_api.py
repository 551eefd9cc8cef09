"""ClinikoApi: Cliniko's REST interface as one fetch uses it: single records and whole lists.

Each request waits for the key's turn. A refusal for too many requests is obeyed, for at most a
minute or so; a server error is tried again twice: a read of two hundred pages must not fail over
one of them. Anything but the documented shape is an error, never a shorter list.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from companion.adapters.sources.pace import Pace
from companion.adapters.sources.web import SourceWeb
from companion.domain.errors import SourceTrouble, SourceUnreachable
from companion.services.sources.remote import Stop

PER_PAGE = 100
"""As many as Cliniko gives."""
MOST_PAGES = 5_000
_KEY = re.compile(r"([A-Za-z0-9+/=_.-]{8,300}?)(?:-([a-z]{2}\d{1,2}))?")
_ID = re.compile(r"/(\d+)/?$")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinikoKey:
    text: str
    shard: str
    """The part of Cliniko where the account lives: ``au1``."""

    @property
    def digest(self) -> str:
        """Tells keys apart without being one."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_key(typed: str) -> ClinikoKey | None:
    """None for what cannot be one. A key without a shard is of ``au1``."""
    found = _KEY.fullmatch(typed.strip().strip("\"'"))
    return found and ClinikoKey(text=found[0], shard=found[2] or "au1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    rows: Sequence[Json]
    total: int | None
    """Entries of the whole list when this page was made, where it says so."""
    moment: datetime | None
    """Aware UTC: when this page was made, by the server's clock."""


class ClinikoApi:
    def __init__(
        self,
        root: str,
        key: ClinikoKey,
        contact: str,
        *,
        web: SourceWeb,
        stop: Stop,
        pace: Pace,
        retries: Sequence[float],
        patience: float,
    ) -> None:
        """`retries`: seconds before each further try after a server error; `patience`: the longest
        wait, in seconds, that a refusal may ask for."""
        self._root = f"{root.replace('{shard}', key.shard)}/v1"
        pair = base64.b64encode(f"{key.text}:".encode()).decode("ascii")
        self._headers = {
            "authorization": f"Basic {pair}",
            "user-agent": f"Calendar Companion ({contact})",
        }
        self._web = web
        self._stop = stop
        self._pace = pace
        self._retries = retries
        self._patience = patience

    def pages(
        self,
        table: str,
        filters: Sequence[str] = (),
        *,
        path: str = "",
        sort: str = "created_at:asc",
        per_page: int = PER_PAGE,
    ) -> Iterator[Page]:
        """A list, page by page. `table`: what the answer calls it; `path`: where that differs.
        `sort`: empty for the list's own order. Raises SourceUnreachable, Stopped."""
        given = [("per_page", str(per_page)), *(("q[]", each) for each in filters)]
        given += [("sort", sort)] if sort else []
        url = f"{self._root}/{path or table}?{urlencode(given)}"
        seen: set[str] = set()
        while url:
            if url in seen or len(seen) >= MOST_PAGES:
                raise _not_as_documented("its pages have no end")
            seen.add(url)
            page, url = _read_page(table, *self._get(url))
            yield page

    def rows(
        self,
        table: str,
        filters: Sequence[str] = (),
        *,
        path: str = "",
        sort: str = "created_at:asc",
    ) -> Iterator[Json]:
        for page in self.pages(table, filters, path=path, sort=sort):
            yield from page.rows

    def rows_of(
        self, table: str, column: str, numbers: Sequence[str], filters: Sequence[str] = ()
    ) -> Iterator[Json]:
        """Those whose `column` is one of the ids; fifty ids a request."""
        for first in range(0, len(numbers), 50):
            wanted = ",".join(numbers[first : first + 50])
            yield from self.rows(table, [f"{column}:={wanted}", *filters])

    def one(self, path: str) -> Json | None:
        """A record; None where there is none."""
        try:
            document, _moment = self._get(f"{self._root}/{path}")
        except SourceUnreachable as error:
            if error.reason is SourceTrouble.NOT_THERE:
                return None
            raise
        return document

    def _get(self, url: str) -> tuple[Json, datetime | None]:
        tries = iter(self._retries)
        patience = self._patience
        while True:
            self._stop.wait(self._pace.take())
            try:
                document, answer = self._web.json(url, headers=self._headers)
            except SourceUnreachable as error:
                wait = self._wait_after(error, next(tries, None), patience)
                if wait is None:
                    raise
                if error.reason is SourceTrouble.RATE_LIMITED:
                    patience -= wait
                    self._pace.hold(wait)
                else:
                    self._stop.wait(wait)
                continue
            if not isinstance(document, dict):
                raise _not_as_documented("an answer is no record")
            return document, _moment(answer.headers.get("date", ""))

    def _wait_after(
        self, error: SourceUnreachable, retry: float | None, patience: float
    ) -> float | None:
        """Seconds after which the same request may succeed; None where it would not."""
        if error.reason is SourceTrouble.RATE_LIMITED:
            wait = error.wait + 1.0  # the moment is one of whole seconds
            return wait if wait <= patience else None
        again = error.reason in {SourceTrouble.BROKEN, SourceTrouble.OFFLINE}
        return retry if again and not error.detail.startswith("HTTP 4") else None


def _read_page(table: str, document: Json, moment: datetime | None) -> tuple[Page, str]:
    """The page, and the address of the next one; empty after the last."""
    try:
        rows, said = document[table], document.get("total_entries")
        total = None if said is None else int(said)
        following = (document.get("links") or {}).get("next") or ""
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _not_as_documented(f"{table} cannot be read") from None
    shaped = isinstance(rows, list) and all(isinstance(each, dict) for each in rows)
    if not shaped or not isinstance(following, str):
        raise _not_as_documented(f"{table} cannot be read")
    return Page(rows=rows, total=total, moment=moment), following


def linked(record: Json, name: str) -> str:
    """The id of another record that this one links to; empty for none."""
    try:
        found = _ID.search(str(record[name]["links"]["self"]))
    except (KeyError, TypeError):
        return ""
    return found[1] if found else ""


def text(record: Json, name: str) -> str:
    value = record.get(name)
    return "" if value is None else str(value)


def stamp(moment: datetime) -> str:
    """As filters are given it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _moment(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None


def _not_as_documented(what: str) -> SourceUnreachable:
    return SourceUnreachable(
        f"What Cliniko sends is not as its documents describe it: {what}.",
        "It is tried again by itself. If it stays so, look for a newer Calendar Companion.",
        reason=SourceTrouble.UNREADABLE,
    )
