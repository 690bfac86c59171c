"""A whole machine inside the test's process, served on a port of its own, with a client that speaks HTTP to it."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from tradeloom.local.machine import Machine, machine_up
from tradeloom.local.market import MarketData
from tradeloom.local.serve import Served, serving
from tradeloom.local.settings import Settings

PATIENCE_S = 90.0
"""What a slow machine may take for what a quick one does at once."""


class RunningMachine(AbstractContextManager["RunningMachine"]):
    """`with RunningMachine(home, dsn) as machine: machine.get("/workflows")`."""

    def __init__(
        self, home: Path, dsn: str | None, data: MarketData | None = None, *, schedules: bool = False, **settings: Any
    ) -> None:
        self._settings = Settings(home=home, port=0, DATABASE_URL=dsn, **settings)
        self._data = data
        self._schedules = schedules
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread
        self.machine: Machine
        self.served: Served
        self.session = requests.Session()

    def __enter__(self) -> Self:
        self.up()
        self.session.headers["Authorization"] = f"Bearer {self.served.token}"
        return self

    def up(self) -> None:
        """Start it; after `down` again, on the same data and at the same address."""
        self._ready.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._ready.wait(PATIENCE_S)
        if self._failure is not None:
            raise self._failure
        port = int(self.served.address.rstrip("/").rpartition(":")[2])
        self._settings = self._settings.model_copy(update={"port": port})

    def down(self) -> None:
        """Take it down: nothing answers at its address any more."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.close()
        self.down()

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        url = f"{self.served.address}api/agentic{path}"
        return self.session.request(method, url, json=body, timeout=PATIENCE_S, **options)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.ask("POST", path, body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def execute(self, workflow_id: str, **wanted: Any) -> Any:
        """An execution of the workflow, once it has ended: on a slow machine that is later than one answer waits."""
        execution = self.post(f"/workflows/{workflow_id}/execute", {"wait_s": 25, **wanted})
        give_up = time.monotonic() + PATIENCE_S
        while execution["status"] in {"pending", "running"}:
            assert time.monotonic() < give_up, execution
            time.sleep(0.1)
            execution = self.get(f"/executions/{execution['id']}")
        return execution

    def on_loop[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run something where the machine runs."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with (
            machine_up(self._settings, data=self._data, schedules=self._schedules) as self.machine,
            serving(self.machine) as self.served,
        ):
            self._ready.set()
            await self._stop.wait()
