from tests.integration.api.conftest import machine, postgres_server

__all__ = ["machine", "postgres_server"]
