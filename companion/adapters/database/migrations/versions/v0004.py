"""The names that clients bear or bore, filled from everything the book still knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

BOTH = "client_first_name, client_last_name"


def upgrade() -> None:
    op.create_table(
        "client_names",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("first_name", sa.Text, nullable=False),
        sa.Column("last_name", sa.Text, nullable=False),
    )
    op.create_index("client_names_once", "client_names", ["first_name", "last_name"], unique=True)
    op.execute(
        "INSERT INTO client_names (first_name, last_name) "  # noqa: S608 - no value of anybody's is in it
        f"SELECT {BOTH} FROM appointments WHERE client_first_name <> '' OR client_last_name <> '' "
        f"UNION SELECT {BOTH} FROM replaced_appointments "
        "WHERE client_first_name <> '' OR client_last_name <> ''"
    )
