"""Credentials."""

from tradeloom.storage.postgres.migrations.pairs import run_down, run_up

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_up(revision)


def downgrade() -> None:
    run_down(revision)
