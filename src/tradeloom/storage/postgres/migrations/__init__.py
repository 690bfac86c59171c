"""The schema: alembic revisions in `versions/`, each of which runs its pair of SQL files."""

from tradeloom.storage.postgres.migrations.pairs import Migration, migrations
from tradeloom.storage.postgres.migrations.runner import Applied, applied_migrations, migrate

__all__ = ["Applied", "Migration", "applied_migrations", "migrate", "migrations"]
