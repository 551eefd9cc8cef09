"""Where a client is visited, and the link of a video call.

Both tables are made anew and filled, as in 0003, so that they are to the letter those of a new
database.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

MOMENT = sa.DateTime().with_variant(sa.String(26), "sqlite")
TAKES_PART = sa.text("source_id <> ''")


def upgrade() -> None:
    op.drop_index("appointments_by_time", "appointments")
    op.drop_index("appointments_by_source", "appointments")
    _made_anew("appointments", [])
    op.create_index(
        "appointments_by_time", "appointments", ["practitioner_id", "shape", "earliest"]
    )
    op.create_index(
        "appointments_by_source",
        "appointments",
        ["source", "source_id"],
        unique=True,
        sqlite_where=TAKES_PART,
        postgresql_where=TAKES_PART,
    )
    _made_anew("replaced_appointments", [sa.Column("import_id", sa.Integer, primary_key=True)])


def _made_anew(table: str, first: list[sa.Column[Any]]) -> None:
    columns = [*first, *_appointment()]
    names = ", ".join(each.name for each in columns)
    op.rename_table(table, f"{table}_0005")
    op.create_table(
        table,
        *columns,
        sa.Column("visit_address", sa.Text, nullable=False),
        sa.Column("telehealth_link", sa.Text, nullable=False),
    )
    op.execute(
        f"INSERT INTO {table} ({names}, visit_address, telehealth_link) "  # noqa: S608 - no value of anybody's is in it
        f"SELECT {names}, '', '' FROM {table}_0005"
    )
    op.drop_table(f"{table}_0005")


def _appointment() -> list[sa.Column[Any]]:
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
