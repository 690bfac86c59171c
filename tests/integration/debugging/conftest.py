import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.support.local_machine import RunningMachine
from tests.support.postgres import postgres_server
from tradeloom.local.market import bundled_data

__all__ = ["postgres_server"]

CALM = datetime(2017, 9, 14, 12, tzinfo=UTC)
"""The RSI is not oversold here, so the dip buyer buys nothing by itself."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[RunningMachine]:
    name = f"machine_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    data = replace(bundled_data(), start=CALM)
    home = tmp_path_factory.mktemp("machine")
    with RunningMachine(home, make_conninfo(postgres_server, dbname=name), data) as running:
        yield running
