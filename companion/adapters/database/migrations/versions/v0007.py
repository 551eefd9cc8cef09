"""What several workstations of one practice share; empty in the file of one home."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

MOMENT = sa.DateTime().with_variant(sa.String(26), "sqlite")


def upgrade() -> None:
    _kept()
    _taken()


def _kept() -> None:
    op.create_table(
        "documents",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "practice",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("practice_id", sa.String(32), nullable=False),
        sa.Column("key_nonce", sa.LargeBinary, nullable=False),
        sa.Column("sealed_key", sa.LargeBinary, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("moved_to", sa.Text, nullable=False),
        sa.Column("database", sa.Text, nullable=False),
    )
    op.create_table(
        "workstations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("joined_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("feed_address", sa.Text, nullable=False),
        sa.Column("clock_ahead", sa.Float, nullable=False),
    )


def _taken() -> None:
    op.create_table(
        "lease",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("term", sa.BigInteger, nullable=False),
        sa.Column("workstation_id", sa.String(32), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("renewed_at", MOMENT, nullable=False),
        sa.Column("released", sa.Boolean, nullable=False),
        sa.Column("wanted_by", sa.String(32), nullable=False),
    )
    op.create_table(
        "turns",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("workstation_id", sa.String(32), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
    )
    op.create_table(
        "commits",
        sa.Column("slot", sa.String(32), primary_key=True),
        sa.Column("mark", sa.String(32), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_table(
        "paces",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("free_at", MOMENT, nullable=False),
        sa.Column("factor", sa.Float, nullable=False),
        sa.Column("eased_at", MOMENT, nullable=False),
    )
