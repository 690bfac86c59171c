from tests.support.postgres import postgres_database, postgres_dsn, postgres_server

__all__ = ["postgres_database", "postgres_dsn", "postgres_server"]
