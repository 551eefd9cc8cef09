"""The tables, and the two ways a time is kept in them.

Wall times (naive) and UTC instants are both kept as naive timestamps; the column type says which
it is, so that an instant always comes back aware. `shape` and `earliest` exist for one query:
what may take place in a span of days. Most appointments are brief (at most two days), so those
that overlap a span start inside it or within two days before it, which an index range answers
however many there are; the few long ones and the series are searched apart, by their start.

Columns that a reader might put together with a person are in `appointments` alone, in
`client_names`, which keeps every name that a client ever bore here so that free text can be
cleaned of it, and in `replaced_appointments`, which is how imports found them: `import_changes`
names what each import wrote and the revision that it left (0 for removed). A removed appointment
leaves its id, revision and time behind: should it come back, SEQUENCE and DTSTAMP of its feed
entry go on from there and never go back (RFC 5545 3.8.7.4).

`id_key` has one row, made with the book: the secret under which the ids of imported appointments
are made, so that no name can be guessed from what Google and phones see. It lies here because it
keeps nothing from a reader of this file, who has the names themselves, and because so every copy
of the book, each backup too, makes the ids that are in it.

The last seven tables are of a practice that several workstations share (PostgreSQL); in the file
of one home they are empty. Who holds the lease, or a lock, is told apart by a number that rises
each time another takes it (`term`, `token`): a write names the number it was begun under.

`HEAD` is the revision of `migrations/` that makes exactly these tables.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

HEAD = "0007"

BRIEF, LONG, SERIES = 0, 1, 2
"""The shapes of an appointment."""
BRIEF_LIMIT = timedelta(days=2)


class _Moment(TypeDecorator[datetime]):
    """SQLite has no type for times: ISO text sorts rightly, and Python reads it fastest."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kept: TypeEngine[Any] = String(26) if dialect.name == "sqlite" else DateTime()
        return dialect.type_descriptor(kept)


class WallTime(_Moment):
    """A naive datetime as written on the clinic's clock."""

    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is not None:
            raise ValueError("a wall time has no zone")
        return value.isoformat(" ") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value  # type: ignore[no-any-return] # PostgreSQL's driver answers a datetime
        return datetime.fromisoformat(value)


class Instant(_Moment):
    """An aware datetime, kept as a naive timestamp in UTC and always given back aware."""

    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant must be aware")
        kept = value if value.tzinfo is UTC else value.astimezone(UTC)
        kept = kept.replace(tzinfo=None)
        return kept.isoformat(" ") if dialect.name == "sqlite" else kept

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        kept: datetime = datetime.fromisoformat(value) if dialect.name == "sqlite" else value
        return kept.replace(tzinfo=UTC)


metadata = MetaData()


def _words(name: str, length: int = 255) -> Column[str]:
    return Column(name, String(length), nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _yes(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _document(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, JSON(none_as_null=True), nullable=nullable)


def _appointment() -> list[Column[Any]]:
    """The columns of an appointment, as it is and as it was."""
    return [
        Column("id", String(64), primary_key=True),
        _words("practitioner_id", 64),
        Column("shape", SmallInteger, nullable=False),
        Column("earliest", WallTime, nullable=False),
        Column("starts", WallTime, nullable=False),
        Column("ends", WallTime, nullable=False),
        _words("timezone", 64),
        _yes("all_day"),
        _words("kind", 16),
        _words("status", 16),
        _words("show_as", 16),
        Column("title", Text, nullable=False),
        Column("appointment_type", Text, nullable=False),
        Column("client_id", Text, nullable=False),
        Column("client_first_name", Text, nullable=False),
        Column("client_last_name", Text, nullable=False),
        Column("location", Text, nullable=False),
        Column("notes", Text, nullable=False),
        Column("reminder_minutes", Integer),
        _yes("recurring"),
        _document("recurrence", nullable=True),
        _words("source"),
        Column("source_id", Text, nullable=False),
        Column("created", Instant),
        Column("created_by", Text, nullable=False),
        Column("updated", Instant),
        _number("revision"),
        Column("changed_at", Instant, nullable=False),
        Column("row_hash", LargeBinary(16), nullable=False),
        Column("visit_address", Text, nullable=False),
        Column("telehealth_link", Text, nullable=False),
    ]


appointments = Table(
    "appointments",
    metadata,
    *_appointment(),
    Index("appointments_by_time", "practitioner_id", "shape", "earliest"),
    Index(
        "appointments_by_source",
        "source",
        "source_id",
        unique=True,
        # PostgreSQL's is in the migration alone: naming it here imports that dialect, which takes
        # a twentieth of every start.
        sqlite_where=text("source_id <> ''"),
    ),
)

removed_appointments = Table(
    "removed_appointments",
    metadata,
    Column("id", String(64), primary_key=True),
    _number("revision"),
    Column("changed_at", Instant, nullable=False),
)

client_names = Table(
    "client_names",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Index("client_names_once", "first_name", "last_name", unique=True),
)

id_key = Table(
    "id_key",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", LargeBinary(32), nullable=False),
)

practitioner_revisions = Table(
    "practitioner_revisions",
    metadata,
    Column("practitioner_id", String(64), primary_key=True),
    _number("revision"),
)

imports = Table(
    "imports",
    metadata,
    Column("id", Integer, primary_key=True),
    _words("source"),
    Column("at", Instant, nullable=False, index=True),
    Column("file_name", Text, nullable=False),
    _number("added"),
    _number("changed"),
    _number("removed"),
    _number("unchanged"),
    _number("rejected"),
    _words("by"),
    _number("cancelled"),
    _number("older"),
    _number("kept"),
    _document("memory"),
    Column("undone_at", Instant),
    _words("undone_by"),
)

import_changes = Table(
    "import_changes",
    metadata,
    Column("import_id", Integer, primary_key=True),
    Column("appointment_id", String(64), primary_key=True, index=True),
    _number("revision"),
    sqlite_with_rowid=False,
)

replaced_appointments = Table(
    "replaced_appointments",
    metadata,
    Column("import_id", Integer, primary_key=True),
    *_appointment(),
)

ledger = Table(
    "ledger",
    metadata,
    Column("practitioner_id", String(64), primary_key=True),
    Column("calendar_id", String(255), primary_key=True),
    Column("key", String(255), primary_key=True),
    _words("event_id", 1024),
    _number("generation"),
    _words("state", 16),
    _words("fingerprint", 64),
    _words("style", 64),
    Column("begins", Instant, nullable=False),
    Column("ends", Instant, nullable=False),
    _words("etag"),
    _words("content_hash", 64),
    sqlite_with_rowid=False,
)

sync_state = Table(
    "sync_state",
    metadata,
    Column("practitioner_id", String(64), primary_key=True),
    _document("state"),
    Column("saved_at", Instant, nullable=False),
)

activity = Table(
    "activity",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    _words("practitioner_id", 64),
    _words("cause"),
    _words("kind", 64),
    Column("text", Text, nullable=False),
    _number("count"),
    Index("activity_by_time", "at", "id"),
    Index("activity_by_practitioner", "practitioner_id", "at", "id"),
)

feed_links = Table(
    "feed_links",
    metadata,
    Column("id", String(64), primary_key=True),
    _words("practitioner_id", 64),
    Column("label", Text, nullable=False),
    _words("detail", 32),
    _document("custom", nullable=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    _number("days_in_arrears"),
    _number("days_in_advance"),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("last_fetched_at", Instant),
    Column("last_client", Text, nullable=False),
    _number("last_status"),
    _words("last_network", 16),
    _document("intervals"),
    _number("fetches"),
)

documents = Table(
    "documents",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("body", Text, nullable=False),  # JSON as it was written
    _number("version"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(255), primary_key=True),
    _number("generation"),
    Column("nonce", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

practice = Table(
    "practice",
    metadata,
    Column("id", Integer, primary_key=True),  # one row, 1
    _words("practice_id", 32),
    Column("key_nonce", LargeBinary, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),  # of the secrets, under the practice key
    Column("created_at", Instant, nullable=False),
    Column("moved_to", Text, nullable=False),  # empty while the practice is here
    Column("database", Text, nullable=False),  # which one it was when it was last opened
)

workstations = Table(
    "workstations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    _words("version", 64),
    Column("joined_at", Instant, nullable=False),
    Column("started_at", Instant),  # empty once it has stopped in order
    Column("seen_at", Instant, nullable=False),
    Column("feed_address", Text, nullable=False),
    Column("clock_ahead", Float, nullable=False),  # seconds
)

lease = Table(
    "lease",
    metadata,
    Column("id", Integer, primary_key=True),  # one row, 1
    Column("term", BigInteger, nullable=False),
    _words("workstation_id", 32),
    Column("since", Instant, nullable=False),
    Column("renewed_at", Instant, nullable=False),
    _yes("released"),
    _words("wanted_by", 32),  # the workstation a person chose to take it next, or empty
)

turns = Table(
    "turns",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("token", BigInteger, nullable=False),
    _words("workstation_id", 32),
    Column("until", Instant, nullable=False),
)

commits = Table(
    "commits",
    metadata,
    Column("slot", String(32), primary_key=True),
    _words("mark", 32),
    Column("at", Instant, nullable=False),
)

paces = Table(
    "paces",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("free_at", Instant, nullable=False),
    Column("factor", Float, nullable=False),
    Column("eased_at", Instant, nullable=False),
)
