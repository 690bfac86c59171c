"""`tradeloom retry` and `tradeloom rerun`: failed executions that go on, and old ones that are run again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tradeloom.api.models.executions import FINISHED, Execution
from tradeloom.cli.output import Exit, out, say_json, stop
from tradeloom.cli.running import Running
from tradeloom.cli.trace import as_json as as_told
from tradeloom.cli.trace import say_end

WAIT_S: Final = 25


def retry(execution_id: str, *, even_if_old: bool, home: Path | None, as_json: bool) -> None:
    body = {"even_if_old": even_if_old, "wait_s": WAIT_S}
    _say(Running(home).post("executions", execution_id, "retry", body=body), as_json=as_json)


def rerun(execution_id: str, wanted: Mapping[str, Any], *, home: Path | None, as_json: bool) -> None:
    _say(Running(home).post("executions", execution_id, "replay", body={**wanted, "wait_s": WAIT_S}), as_json=as_json)


def _say(told: Any, *, as_json: bool) -> None:
    execution = Execution.model_validate(told)
    if as_json:
        say_json(as_told(execution))
    else:
        say_end(out, execution)
        if execution.status not in FINISHED:
            out.print(f"[dim]it goes on: execution {execution.id}[/]")
    if execution.status in FINISHED and execution.status != "succeeded":
        stop(Exit.FAILED)
