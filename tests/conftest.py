"""Unit tests reach no network; everything else may talk to this machine."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/tests/unit/" in str(item.path):
            item.add_marker(pytest.mark.disable_socket)
        else:
            item.add_marker(pytest.mark.enable_socket)
