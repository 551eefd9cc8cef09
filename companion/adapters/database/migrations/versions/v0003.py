"""Imports that can be undone: who made them, what they replaced, and what they kept.

The table of imports is made anew and filled, as in 0002, so that it is to the letter the one of a
new database.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from companion.adapters.database.migrations.early_columns import MOMENT, appointment_columns

revision = "0003"
down_revision = "0002"

KEPT = "id, source, at, file_name, added, changed, removed, unchanged, rejected"


def upgrade() -> None:
    _imports()
    op.create_table(
        "import_changes",
        sa.Column("import_id", sa.Integer, primary_key=True),
        sa.Column("appointment_id", sa.String(64), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_import_changes_appointment_id", "import_changes", ["appointment_id"])
    op.create_table(
        "replaced_appointments",
        sa.Column("import_id", sa.Integer, primary_key=True),
        *appointment_columns(),
    )


def _imports() -> None:
    op.drop_index("ix_imports_at", "imports")
    op.rename_table("imports", "imports_0002")
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
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("cancelled", sa.Integer, nullable=False),
        sa.Column("older", sa.Integer, nullable=False),
        sa.Column("kept", sa.Integer, nullable=False),
        sa.Column("memory", sa.JSON, nullable=False),
        sa.Column("undone_at", MOMENT),
        sa.Column("undone_by", sa.String(255), nullable=False),
    )
    op.create_index("ix_imports_at", "imports", ["at"])
    op.execute(
        f'INSERT INTO imports ({KEPT}, "by", cancelled, older, kept, memory, undone_by) '  # noqa: S608 - no value of anybody's is in it
        f"SELECT {KEPT}, '', 0, 0, 0, '{{}}', '' FROM imports_0002"
    )
    op.drop_table("imports_0002")
