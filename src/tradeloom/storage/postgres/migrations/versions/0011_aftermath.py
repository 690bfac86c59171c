"""What follows an execution: its trades' results, its error workflow, the runs that were expected."""

from tradeloom.storage.postgres.migrations.pairs import revision_before, run_down, run_up

revision = "0011"
down_revision = revision_before(revision)


def upgrade() -> None:
    run_up(revision)


def downgrade() -> None:
    run_down(revision)
