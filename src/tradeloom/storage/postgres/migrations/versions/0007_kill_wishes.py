"""Kill wishes."""

from tradeloom.storage.postgres.migrations.pairs import run_down, run_up

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_up(revision)


def downgrade() -> None:
    run_down(revision)
