"""Variables."""

from tradeloom.storage.postgres.migrations.pairs import run_down, run_up

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_up(revision)


def downgrade() -> None:
    run_down(revision)
