"""What alembic runs for each command: on the runner's engine, a transaction a revision, and our own row with it."""

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import text

from tradeloom.storage.postgres.migrations.pairs import migration


def _note(ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]) -> None:
    """Within the revision's transaction. A stamp is for rows that are there already."""
    assert ctx.connection is not None
    if step.is_stamp:
        return
    if step.is_upgrade:
        assert step.up_revision_id is not None
        done = migration(step.up_revision_id)
        ctx.connection.execute(
            text("INSERT INTO schema_migrations (number, name, checksum) VALUES (:number, :name, :checksum)"),
            {"number": done.number, "name": done.name, "checksum": done.checksum},
        )
    else:
        for revision in step.source_revision_ids:
            ctx.connection.execute(
                text("DELETE FROM schema_migrations WHERE number = :number"), {"number": int(revision)}
            )


with context.config.attributes["engine"].connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True, on_version_apply=_note)
    with context.begin_transaction():
        context.run_migrations()
