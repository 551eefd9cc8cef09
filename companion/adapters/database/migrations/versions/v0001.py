"""The first tables: book, imports, ledger, state, activity, feed links."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from companion.adapters.database.migrations.early_columns import MOMENT, appointment_columns

revision = "0001"
down_revision = None


def upgrade() -> None:
    _book()
    _ledger()
    _rest()


def _book() -> None:
    op.create_table(
        "appointments",
        *appointment_columns(),
    )
    op.create_index(
        "appointments_by_time", "appointments", ["practitioner_id", "shape", "earliest"]
    )
    op.create_index(
        "appointments_by_source",
        "appointments",
        ["source", "source_id"],
        unique=True,
        sqlite_where=sa.text("source_id <> ''"),
        postgresql_where=sa.text("source_id <> ''"),
    )
    op.create_table(
        "removed_appointments",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
    )
    op.create_table(
        "practitioner_revisions",
        sa.Column("practitioner_id", sa.String(64), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("added", sa.Integer, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("removed", sa.Integer, nullable=False),
        sa.Column("unchanged", sa.Integer, nullable=False),
        sa.Column("rejected", sa.Integer, nullable=False),
    )
    op.create_index("ix_imports_at", "imports", ["at"])


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("practitioner_id", sa.String(64), primary_key=True),
        sa.Column("calendar_id", sa.String(255), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("event_id", sa.String(1024), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("style", sa.String(64), nullable=False),
        sa.Column("begins", MOMENT, nullable=False),
        sa.Column("ends", MOMENT, nullable=False),
        sa.Column("etag", sa.String(255), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sync_state",
        sa.Column("practitioner_id", sa.String(64), primary_key=True),
        sa.Column("state", sa.JSON, nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
    )


def _rest() -> None:
    op.create_table(
        "activity",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("practitioner_id", sa.String(64), nullable=False),
        sa.Column("cause", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_index("activity_by_time", "activity", ["at", "id"])
    op.create_index("activity_by_practitioner", "activity", ["practitioner_id", "at", "id"])
    op.create_table(
        "feed_links",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("practitioner_id", sa.String(64), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("detail", sa.String(32), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("days_in_arrears", sa.Integer, nullable=False),
        sa.Column("days_in_advance", sa.Integer, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("revoked_at", MOMENT),
        sa.Column("last_fetched_at", MOMENT),
        sa.Column("last_client", sa.Text, nullable=False),
        sa.Column("fetches", sa.Integer, nullable=False),
    )
