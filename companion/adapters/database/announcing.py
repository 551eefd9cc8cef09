"""What one workstation tells the others of a write, and how it is compared with what they know.

A notice is sent by the transaction that writes (`pg_notify`), so it comes if and when that commits.
It carries no data, only *facts*: short texts that are others after each write, such as a
practitioner's revision. Facts can be asked for at any time (`ALL_FACTS`), so a notice that was
lost, or that came twice, does no harm: whoever listens publishes whatever differs from what it
knew.

    p/<practitioner>    revision of the appointments        i    number and state of the imports
    d/<document>        version                             f    digest of the calendar links
    s/<practitioner>    version of the state of sync        a    newest lines of the activity list

Other *topics* tell what passes, such as the progress of an upload. They carry fields and no facts.

A notice takes less than 8,000 bytes, so a large import sends several.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from companion.adapters.database.settings import PREFIX as SETTINGS
from companion.services.changes import (
    ActivityAdded,
    BookChanged,
    Change,
    FeedLinksChanged,
    SettingsChanged,
    SyncStateChanged,
)

CHANNEL = "companion"
SETTINGS_FACTS = f"d/{SETTINGS}"
"""What the names of the facts of settings begin with."""
LARGEST = 7_500
"""Bytes of a notice; PostgreSQL takes 7,999."""
_HEAD = 200
"""Bytes of a notice besides its facts, at most."""
_OF_A_FACT = 40
"""Bytes of a fact besides the id in its name, at most."""

_REVISIONS = (
    "SELECT 'p/' || practitioner_id AS name, revision::text AS value FROM practitioner_revisions"
)
_IMPORTS = (
    "SELECT 'i' AS name, concat_ws('.', max(id), count(*), count(undone_at)) AS value FROM imports"
)
_DOCUMENTS = "SELECT 'd/' || name AS name, version::text AS value FROM documents"
_STATES = "SELECT 's/' || practitioner_id AS name, xmin::text AS value FROM sync_state"
_LINKS = (
    "SELECT 'f' AS name, md5(string_agg(concat_ws('|', id, practitioner_id, label, detail, custom,"
    " token_hash, days_in_arrears, days_in_advance, expires_at, revoked_at), '||' ORDER BY id))"
    " AS value FROM feed_links"
)
# An earlier number may come after a later one: transactions commit in any order.
_LINES = (
    "SELECT 'a' AS name, concat_ws('.', max(id), sum(id)) AS value"
    " FROM (SELECT id FROM activity ORDER BY id DESC LIMIT 200) AS newest"
)


def _facts(*queries: str) -> str:
    together = " UNION ALL ".join(queries)
    return f"SELECT coalesce(json_object_agg(name, value), '{{}}') FROM ({together}) AS facts"  # noqa: S608 - ours


ALL_FACTS = _facts(_REVISIONS, _IMPORTS, _DOCUMENTS, _STATES, _LINKS, _LINES)
"""One row: all facts as a JSON object."""
_ALL_FACTS = text(ALL_FACTS)


def _notice(*queries: str) -> Any:
    return text(
        f"SELECT pg_notify('{CHANNEL}', json_build_object('from', CAST(:origin AS text),"
        f" 'facts', ({_facts(*queries)}))::text)"
    )


_OF_BOOK = _notice(f"{_REVISIONS} WHERE practitioner_id = ANY(:ids)", _IMPORTS)
_OF_SETTINGS = _notice(f"{_DOCUMENTS} WHERE starts_with(name, '{SETTINGS}')")
_OF_STATE = _notice(f"{_STATES} WHERE practitioner_id = :practitioner_id")
_OF_LINKS = _notice(_LINKS)
_OF_LINES = _notice(_LINES)
SEND = f"SELECT pg_notify('{CHANNEL}', %s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedNotice:
    """A notice, as it came."""

    origin: str
    facts: Mapping[str, str | None] = field(default_factory=dict)
    topic: str = ""
    """Empty where there are facts."""
    fields: Mapping[str, Any] = field(default_factory=dict)


def facts_of(connection: Connection) -> dict[str, str | None]:
    """All of them; no clock is among them."""
    return dict(connection.scalar(_ALL_FACTS) or {})


def announce(connection: Connection, origin: str, change: Change) -> None:
    """After the change was written, in its transaction. `origin` names this process."""
    match change:
        case BookChanged(practitioner_ids=ids):
            for some in _fitting(sorted(ids)):
                connection.execute(_OF_BOOK, {"origin": origin, "ids": some})
        case SyncStateChanged(practitioner_id=practitioner_id):
            values = {"origin": origin, "practitioner_id": practitioner_id}
            connection.execute(_OF_STATE, values)
        case SettingsChanged():
            connection.execute(_OF_SETTINGS, {"origin": origin})
        case FeedLinksChanged():
            connection.execute(_OF_LINKS, {"origin": origin})
        case ActivityAdded():
            connection.execute(_OF_LINES, {"origin": origin})


def payload_of(origin: str, topic: str, fields: Mapping[str, Any]) -> str:
    """Raises ValueError for too much."""
    payload = json.dumps({"from": origin, "topic": topic, "fields": dict(fields)})
    if len(payload) > LARGEST:
        raise ValueError("a notice is too long")
    return payload


def parse_notice(payload: str) -> ReceivedNotice | None:
    """None for what this program does not understand, such as a later version's."""
    try:
        raw = json.loads(payload)
        origin, facts = str(raw["from"]), raw.get("facts")
        if facts is None:
            return ReceivedNotice(
                origin=origin, topic=str(raw["topic"]), fields=dict(raw["fields"])
            )
        if not all(name[:2] in {"p/", "d/", "s/"} or name in {"i", "f", "a"} for name in facts):
            return None
        return ReceivedNotice(origin=origin, facts=dict(facts))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def differing(
    known: Mapping[str, str | None], found: Mapping[str, str | None], *, everything: bool
) -> set[str]:
    """Names of the facts that are others. `everything`: what `found` lacks has gone."""
    names = {name for name, value in found.items() if name not in known or known[name] != value}
    return names | (known.keys() - found.keys() if everything else set())


def changes_of(names: Iterable[str]) -> list[Change]:
    """What to publish where the facts of these names are others than before."""
    changes: list[Change] = []
    whose: set[str] = set()
    kinds = set()
    for name in sorted(names):
        kind, _, rest = name.partition("/")
        kinds.add(kind if kind != "d" or rest.startswith(SETTINGS) else "")
        if kind == "p":
            whose.add(rest)
        elif kind == "s":
            changes.append(SyncStateChanged(practitioner_id=rest))
    if kinds & {"p", "i"}:
        changes.insert(0, BookChanged(practitioner_ids=frozenset(whose)))
    if "d" in kinds:  # first: others name practitioners whom these settings bring
        changes.insert(0, SettingsChanged())
    if "f" in kinds:
        changes.append(FeedLinksChanged())
    if "a" in kinds:
        changes.append(ActivityAdded())
    return changes


def _fitting(ids: list[str]) -> Iterator[list[str]]:
    """In groups, each of which fits in a notice; one without any where there are none."""
    group: list[str] = []
    size = _HEAD
    for each in ids:
        length = len(json.dumps(each, ensure_ascii=False).encode()) + _OF_A_FACT
        if group and size + length > LARGEST:
            yield group
            group, size = [], _HEAD
        group.append(each)
        size += length
    yield group
