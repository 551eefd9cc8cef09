"""Feed links: what a link shows when none of the presets, and how it was fetched.

The table is made anew and filled, so that it is to the letter the one of a new database; SQLite
could only have added columns with defaults.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime().with_variant(sa.String(26), "sqlite")
KEPT = (
    "id, practitioner_id, label, detail, token_hash, created_at, days_in_arrears, "
    "days_in_advance, expires_at, revoked_at, last_fetched_at, last_client, fetches"
)


def upgrade() -> None:
    op.rename_table("feed_links", "feed_links_0001")
    op.create_table(
        "feed_links",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("practitioner_id", sa.String(64), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("detail", sa.String(32), nullable=False),
        sa.Column("custom", sa.JSON),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("days_in_arrears", sa.Integer, nullable=False),
        sa.Column("days_in_advance", sa.Integer, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("revoked_at", MOMENT),
        sa.Column("last_fetched_at", MOMENT),
        sa.Column("last_client", sa.Text, nullable=False),
        sa.Column("last_status", sa.Integer, nullable=False),
        sa.Column("last_network", sa.String(16), nullable=False),
        sa.Column("intervals", sa.JSON, nullable=False),
        sa.Column("fetches", sa.Integer, nullable=False),
    )
    op.execute(
        f"INSERT INTO feed_links ({KEPT}, last_status, last_network, intervals) "  # noqa: S608 - no value of anybody's is in it
        f"SELECT {KEPT}, 0, '', '[]' FROM feed_links_0001"
    )
    op.drop_table("feed_links_0001")
