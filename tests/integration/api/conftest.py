from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database, postgres_server
from tradeloom.local.market import bundled_data

__all__ = ["postgres_server"]

OVERSOLD = datetime(2017, 8, 30, 19, tzinfo=UTC)
"""TA-Lib's RSI 14 of the bundled bars is 25.84 here; see test_scouting."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[RunningMachine]:
    """A machine for a whole module, whose market first stands where the RSI is oversold."""
    data = replace(bundled_data(), start=OVERSOLD)
    home = tmp_path_factory.mktemp("machine")
    with RunningMachine(home, new_database(postgres_server), data, schedules=True) as running:
        yield running
