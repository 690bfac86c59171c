from tests.integration.api.conftest import postgres_server

__all__ = ["postgres_server"]
