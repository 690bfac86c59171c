"""What every node's Lambda function costs: importing it, its cold start, its first and its warm invocations.

Run it as a module: `python -m tests.bench.bench_lambda [--json] [category …]`. Imports are measured in fresh
interpreters, as processor time over that of a bare one; cold starts and invocations through Lambda's own runtime
client and a Runtime API on loopback, whose own share shows in the row `echo`. It ends with 1 when a light node's
function takes more than its budget to import.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.fidelity import services
from tests.fidelity.cases import Case, case_of
from tests.fidelity.lambda_process import ROOT, LambdaFunction
from tradeloom.nodes.naming import function_name, handler_module
from tradeloom.nodes.registry import node_types
from tradeloom.runtime.services import VARIABLE
from tradeloom.storage.blobs import FileBlobs

LIGHT = {"trigger", "condition", "notify", "utility"}
BUDGET = 1.6
"""Times what pydantic takes: 120 ms of an idle core, where that takes 75. A busy machine slows both alike."""
PYDANTIC = "import pydantic\nclass Model(pydantic.BaseModel):\n    field: int"
"""The least a light function can cost: pydantic, and a first model, which loads what makes models."""
PROBES = ROOT / "tests" / "support" / "handlers"
ECHO = "echo"


@dataclass(frozen=True)
class ImportCost:
    """`ms` of processor time over a bare interpreter's, the least seen; `ratio` to what pydantic takes, the median."""

    ms: float
    ratio: float


@dataclass(frozen=True)
class Life:
    """Milliseconds; `…_cpu` is processor time, the rest what a caller waits. `init` ends when the first event can come.

    `imported` is None where it was not measured.
    """

    name: str
    imported: ImportCost | None
    init: float
    init_cpu: float
    first_cpu: float
    warm_cpu: float
    warm_p50: float
    warm_p99: float


def cpu_ms(code: str) -> float:
    """Processor time of one fresh interpreter that runs the code, with bytecode at hand as in a layer."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment | {"PYTHONPATH": str(ROOT)})
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, code)
    return (used.ru_utime + used.ru_stime) * 1000


def import_costs(codes: Sequence[str], rounds: int) -> list[ImportCost]:
    """What pydantic costs, then each code. All take turns, so that other work on the machine meets all alike."""
    every = ("pass", PYDANTIC, *codes)
    for code in every:
        cpu_ms(code)  # leaves its bytecode
    taken = [[cpu_ms(code) for code in every] for _ in range(rounds)]
    bare, *least = (min(column) for column in zip(*taken, strict=True))
    over_bare = [[each - row[0] for each in row[1:]] for row in taken]
    ratios = [median(column) for column in zip(*([each / row[0] for each in row] for row in over_bare), strict=True)]
    return [ImportCost(ms - bare, ratio) for ms, ratio in zip(least, ratios, strict=True)]


def life_of(case: Case, folder: Path, imported: ImportCost, warm: int) -> Life:
    FileBlobs(folder).put_artefact(case.compiled.version, case.compiled.artefact)
    environment = {VARIABLE: f"{services.__name__}:services", services.FOLDER: str(folder)}
    with LambdaFunction.of(case.node_type, environment) as function:
        return _measured(case.node_type, function, case.event, imported, warm)


def echo_life(warm: int) -> Life:
    """The runtime client and our Runtime API alone."""
    with LambdaFunction(ECHO, "probe.echo.handler", folder=PROBES) as function:
        return _measured(ECHO, function, {}, None, warm)


def _measured(name: str, function: LambdaFunction, event: object, imported: ImportCost | None, warm: int) -> Life:
    answers = [function.invoke(event)]
    after_first = function.cpu_s()
    answers += [function.invoke(event) for _ in range(warm)]
    warm_cpu = (function.cpu_s() - after_first) / warm
    failed = next((answer.error for answer in answers if answer.error), None)
    if failed is not None:
        raise RuntimeError(f"{name}: {failed}")
    times = sorted(answer.took_s * 1000 for answer in answers[1:])
    return Life(
        name=name,
        imported=imported,
        init=function.init_s * 1000,
        init_cpu=function.init_cpu_s * 1000,
        first_cpu=(after_first - function.init_cpu_s) * 1000,
        warm_cpu=warm_cpu * 1000,
        warm_p50=median(times),
        warm_p99=times[int(len(times) * 0.99)],
    )


def measure(names: Sequence[str], rounds: int, warm: int) -> tuple[ImportCost, list[Life]]:
    """What pydantic costs, and each function's life."""
    imports = [f"import importlib; importlib.import_module({handler_module(function_name(name))!r})" for name in names]
    pydantic, *costs = import_costs(imports, rounds)
    lives = [echo_life(warm)]
    for name, cost in zip(names, costs, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            lives.append(life_of(case_of(name), Path(folder), cost, warm))
    return pydantic, lives


def over_budget(lives: Sequence[Life]) -> Iterator[str]:
    """The light functions that are, in words."""
    for life in lives:
        cost = life.imported
        if cost is not None and life.name.partition(".")[0] in LIGHT and cost.ratio > BUDGET:
            yield f"{life.name} takes {cost.ms:.0f} ms of CPU to import, {cost.ratio:.2f} times what pydantic takes."


COLUMNS = ("import CPU", "of pydantic", "init", "init CPU", "first CPU", "warm CPU", "warm p50", "warm p99")


def table(pydantic: ImportCost, lives: Sequence[Life]) -> str:
    rows = [("ms", *COLUMNS), ("pydantic and one model", f"{pydantic.ms:.1f}", "1.00", *[""] * 6)]
    for life in lives:
        cost = ("", "") if life.imported is None else (f"{life.imported.ms:.1f}", f"{life.imported.ratio:.2f}")
        times = (life.init, life.init_cpu, life.first_cpu, life.warm_cpu, life.warm_p50, life.warm_p99)
        rows.append((life.name, *cost, *(f"{time:.2f}" for time in times)))
    return "\n".join(f"{row[0]:<24}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("categories", nargs="*", help="all when none is named")
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument("--rounds", type=int, default=15, help="fresh interpreters for each import")
    arguments.add_argument("--warm", type=int, default=200, help="warm invocations of each function")
    given = arguments.parse_args()
    names = [name for name in node_types() if not given.categories or name.partition(".")[0] in given.categories]
    pydantic, lives = measure(names, given.rounds, given.warm)
    if given.json:
        print(json.dumps({"pydantic_ms": pydantic.ms, "functions": [asdict(life) for life in lives]}))
    else:
        print(table(pydantic, lives))
    too_slow = list(over_budget(lives))
    for sentence in too_slow:
        print(sentence, file=sys.stderr)
    return 1 if too_slow else 0


if __name__ == "__main__":
    sys.exit(main())
