"""Trades."""

from tradeloom.storage.postgres.migrations.pairs import run_down, run_up

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_up(revision)


def downgrade() -> None:
    run_down(revision)
