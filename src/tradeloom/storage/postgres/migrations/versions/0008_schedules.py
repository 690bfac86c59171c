"""Schedules that fail, starts that count, and how long a start may wait."""

from tradeloom.storage.postgres.migrations.pairs import revision_before, run_down, run_up

revision = "0008"
down_revision = revision_before(revision)


def upgrade() -> None:
    run_up(revision)


def downgrade() -> None:
    run_down(revision)
