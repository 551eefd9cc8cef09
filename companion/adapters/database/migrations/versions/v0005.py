"""Ids of imported appointments that no client's name can be guessed from, under a key of the book.

Until now such an id was a plain hash of its source and of the source's own id, which may be made
of a client's name: whoever saw it in Google or in a feed could try names. It becomes a keyed hash
of what it was, here and wherever it is named, so that nothing else of an appointment changes.

Events in Google keep their ids, which cannot be changed, and are known by them. An empty
fingerprint makes the next pass write each anew, with its new mark. That pass asks Google first:
an insert whose answer was lost must not be done again under another id.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_PLAIN = re.compile(r"(?<![^ |])[0-9a-f]{26}(?![^@#|])")
"""An old id in a key, before which the id of a calendar and other keys may stand."""
_MOVES = """
UPDATE appointments SET id = keyed(id), row_hash = _row_hash(
    keyed(id), practitioner_id, kind, starts, ends, timezone, all_day, status, show_as, title,
    appointment_type, client_id, client_first_name, client_last_name, location, notes,
    reminder_minutes, recurring, recurrence, source, source_id, created, created_by, updated
) WHERE id <> keyed(id);
UPDATE replaced_appointments SET id = keyed(id) WHERE id <> keyed(id);
UPDATE removed_appointments SET id = keyed(id) WHERE id <> keyed(id);
UPDATE import_changes SET appointment_id = keyed(appointment_id)
    WHERE appointment_id <> keyed(appointment_id);
UPDATE ledger SET key = keyed(key), fingerprint = '' WHERE key <> keyed(key);
INSERT INTO sync_state (practitioner_id, state, saved_at)
    SELECT DISTINCT practitioner_id, '{}', :now FROM ledger WHERE practitioner_id
    NOT IN (SELECT practitioner_id FROM sync_state);
UPDATE sync_state SET state = asking(state)
"""
"""An appointment's hash covers its id: with the old one the next import would find it changed."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def upgrade() -> None:
    op.create_table(
        "id_key",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.LargeBinary(32), nullable=False),
    )
    key = secrets.token_bytes(32)
    op.get_bind().execute(sa.text("INSERT INTO id_key VALUES (1, :key)"), {"key": key})
    if op.get_bind().dialect.name == "sqlite":  # no other database has anything this old
        _move(key)


def _move(key: bytes) -> None:
    def keyed(text: str) -> str:
        return _PLAIN.sub(lambda old: hmac.digest(key, old[0].encode(), "sha256").hex()[:32], text)

    def asking(text: str) -> str:
        """The next pass is an audit, and is not left out for want of a change."""
        state = json.loads(text)
        for item in (state.get("held") or {}).get("items", ()):
            item["key"] = keyed(item["key"])
        kept = keyed(str(state.get("kept", "")))
        return json.dumps({**state, "kept": kept, "fingerprint": "", "audit_due": True})

    raw: Any = op.get_bind().connection.dbapi_connection
    for function, arguments in ((keyed, 1), (asking, 1), (_row_hash, 24)):
        raw.create_function(function.__name__, arguments, function, deterministic=True)
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
    for statement in _MOVES.split(";"):
        op.get_bind().exec_driver_sql(statement, {"now": now} if ":now" in statement else {})


def _row_hash(*row: Any) -> bytes:
    """As `services.rows.row_hash` was at this revision, of columns as SQLite keeps them."""
    parts = list(row)
    parts[3], parts[4] = parts[3].replace(" ", "T"), parts[4].replace(" ", "T")
    parts[6], parts[17] = bool(parts[6]), bool(parts[17])
    parts[18] = None if parts[18] is None else json.loads(parts[18])
    for moment in (21, 23):
        if parts[moment] is not None:
            parts[moment] = datetime.fromisoformat(parts[moment]).replace(tzinfo=UTC).timestamp()
    return blake2b(_encode(parts).encode(), digest_size=16).digest()
