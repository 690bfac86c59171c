"""Retries, pauses before nodes, pinned outputs."""

from tradeloom.storage.postgres.migrations.pairs import migrations, run_down, run_up

revision = "0010"
down_revision = max(each.revision for each in migrations() if each.revision < revision)


def upgrade() -> None:
    run_up(revision)


def downgrade() -> None:
    run_down(revision)
