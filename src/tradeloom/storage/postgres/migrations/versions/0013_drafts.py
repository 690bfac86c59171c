"""Drafts of workflows."""

from tradeloom.storage.postgres.migrations.pairs import revision_before, run_down, run_up

revision = "0013"
down_revision = revision_before(revision)


def upgrade() -> None:
    run_up(revision)


def downgrade() -> None:
    run_down(revision)
