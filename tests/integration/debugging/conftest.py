from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database, postgres_server
from tradeloom.local.market import bundled_data

__all__ = ["postgres_server"]

CALM = datetime(2017, 9, 14, 12, tzinfo=UTC)
"""The RSI is not oversold here, so the dip buyer buys nothing by itself."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[RunningMachine]:
    data = replace(bundled_data(), start=CALM)
    home = tmp_path_factory.mktemp("machine")
    with RunningMachine(home, new_database(postgres_server), data) as running:
        yield running
