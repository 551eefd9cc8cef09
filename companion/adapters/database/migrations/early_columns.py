"""The columns of an appointment as revisions 0001 to 0006 know them; never changed either."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

MOMENT = sa.DateTime().with_variant(sa.String(26), "sqlite")


def appointment_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("practitioner_id", sa.String(64), nullable=False),
        sa.Column("shape", sa.SmallInteger, nullable=False),
        sa.Column("earliest", MOMENT, nullable=False),
        sa.Column("starts", MOMENT, nullable=False),
        sa.Column("ends", MOMENT, nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("all_day", sa.Boolean, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("show_as", sa.String(16), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("appointment_type", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("client_first_name", sa.Text, nullable=False),
        sa.Column("client_last_name", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("reminder_minutes", sa.Integer),
        sa.Column("recurring", sa.Boolean, nullable=False),
        sa.Column("recurrence", sa.JSON),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("created", MOMENT),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("updated", MOMENT),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("row_hash", sa.LargeBinary(16), nullable=False),
    ]
