"""What every node's Lambda function costs: importing it, its cold start, its first and its warm invocations.

Run it as a module: `python -m tests.bench.bench_lambda [--json] [--imports] [--light] [category …]`. Imports are
measured in fresh interpreters, as processor time (user and system) over that of a bare one; cold starts and invocations
through Lambda's own runtime client and a Runtime API on loopback, whose own share shows in the row `echo`; `--imports`
leaves those out. It ends with 1 when the function of a light node takes more than its budget to import.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.fidelity import services
from tests.fidelity.cases import Case, case_of
from tests.fidelity.lambda_process import ROOT, LambdaFunction
from tests.support.light import light_types
from tradeloom.nodes.naming import function_name, handler_module
from tradeloom.nodes.registry import node_types
from tradeloom.runtime.services import VARIABLE
from tradeloom.storage.blobs import FileBlobs

BUDGET_MS = 120
BUDGET_RATIO = 1.6
"""Times what pydantic takes, which is 75 ms on an idle core: there it is the same budget. A slow or busy machine slows
both alike, so milliseconds alone find no function over budget there."""
PYDANTIC = "import pydantic\nclass Model(pydantic.BaseModel):\n    field: int"
"""The least a light function can cost: pydantic, and a first model, which loads what makes models."""
FROM_ROOT = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
PROBES = ROOT / "tests" / "support" / "handlers"
ECHO = "echo"
BARE_ROUNDS = 9
SECOND_LOOK = 3
"""Times as many rounds for what seems over budget."""


@dataclass(frozen=True)
class ImportCost:
    """Medians: `ms` of processor time over a bare interpreter's, and its `ratio` to what pydantic takes."""

    ms: float
    ratio: float

    @property
    def over_budget(self) -> bool:
        return self.ms > BUDGET_MS and self.ratio > BUDGET_RATIO


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
    process = subprocess.Popen([sys.executable, "-I", "-c", FROM_ROOT + code], env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, code)
    return (used.ru_utime + used.ru_stime) * 1000


def import_costs(codes: Sequence[str], rounds: int) -> tuple[float, list[ImportCost]]:
    """What pydantic costs in milliseconds, and each code. Pydantic is measured again before every one, because a
    machine that is shared changes its speed within seconds."""
    for code in ("pass", PYDANTIC, *codes):
        cpu_ms(code)  # leaves its bytecode
    bare = median(cpu_ms("pass") for _ in range(BARE_ROUNDS))
    pairs = [[(cpu_ms(PYDANTIC) - bare, cpu_ms(code) - bare) for code in codes] for _ in range(rounds)]
    costs = [
        ImportCost(median(own for _, own in taken), median(own / pydantic for pydantic, own in taken))
        for taken in zip(*pairs, strict=True)
    ]
    return median(pydantic for row in pairs for pydantic, _ in row), costs


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


def measured_imports(names: Sequence[str], rounds: int) -> tuple[float, dict[str, ImportCost]]:
    """What pydantic costs, and each node's function."""
    codes = [f"import importlib; importlib.import_module({handler_module(function_name(name))!r})" for name in names]
    pydantic, costs = import_costs(codes, rounds)
    return pydantic, dict(zip(names, costs, strict=True))


def weighed_again(imports: Mapping[str, ImportCost], rounds: int) -> dict[str, ImportCost]:
    """The costs, with those over budget measured anew: a moment's noise is no finding."""
    over = [name for name, cost in imports.items() if cost.over_budget and name in light_types()]
    return {**imports, **(measured_imports(over, rounds)[1] if over else {})}


def measured_lives(imports: Mapping[str, ImportCost], warm: int) -> Iterator[Life]:
    yield echo_life(warm)
    for name, cost in imports.items():
        with tempfile.TemporaryDirectory() as folder:
            yield life_of(case_of(name), Path(folder), cost, warm)


def worst_of(imports: Mapping[str, ImportCost]) -> tuple[str, ImportCost] | None:
    """The light function that costs most to import, where any was measured."""
    light = light_types()
    found = [(name, cost) for name, cost in imports.items() if name in light]
    return max(found, key=lambda one: one[1].ratio, default=None)


def over_budget(imports: Mapping[str, ImportCost]) -> Iterator[str]:
    """The light functions that are, in words."""
    for name in light_types():
        cost = imports.get(name)
        if cost is not None and cost.over_budget:
            yield (
                f"{name} takes {cost.ms:.0f} ms of processor time to import, {cost.ratio:.2f} times what pydantic "
                f"takes; {BUDGET_MS} ms, or {BUDGET_RATIO} times, are allowed."
            )


COLUMNS = ("import CPU", "of pydantic", "init", "init CPU", "first CPU", "warm CPU", "warm p50", "warm p99")


def table(pydantic: float, imports: Mapping[str, ImportCost], lives: Sequence[Life]) -> str:
    """A row each; light functions are marked."""
    columns, light, by_name = COLUMNS if lives else COLUMNS[:2], set(light_types()), {life.name: life for life in lives}
    rows = [("ms", *columns), ("pydantic and one model", f"{pydantic:.1f}", "1.00")]
    for name in [*by_name.keys() - imports.keys(), *imports]:
        cost, life = imports.get(name), by_name.get(name)
        figures = [f"{cost.ms:.1f}", f"{cost.ratio:.2f}"] if cost else ["", ""]
        if life:
            times = (life.init, life.init_cpu, life.first_cpu, life.warm_cpu, life.warm_p50, life.warm_p99)
            figures += [f"{time:.2f}" for time in times]
        rows.append((f"{name} *" if name in light else name, *figures))
    return "\n".join(f"{row[0]:<28}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("categories", nargs="*", help="all when none is named")
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument("--imports", action="store_true", help="measure imports only")
    arguments.add_argument("--light", action="store_true", help="light nodes only")
    arguments.add_argument("--rounds", type=int, default=9, help="fresh interpreters for each import")
    arguments.add_argument("--warm", type=int, default=200, help="warm invocations of each function")
    given = arguments.parse_args()
    names = [
        name
        for name in (light_types() if given.light else node_types())
        if not given.categories or name.partition(".")[0] in given.categories
    ]
    pydantic, first = measured_imports(names, given.rounds)
    imports = weighed_again(first, SECOND_LOOK * given.rounds)
    lives = [] if given.imports else list(measured_lives(imports, given.warm))
    worst, too_slow = worst_of(imports), list(over_budget(imports))
    if given.json:
        told: dict[str, object] = {"pydantic_ms": pydantic, "imports": {n: asdict(c) for n, c in imports.items()}}
        told |= {"worst_light": worst and {"name": worst[0], **asdict(worst[1])}}
        print(json.dumps(told | {"functions": [asdict(life) for life in lives]}))
    else:
        print(table(pydantic, imports, lives))
        if worst:
            print(f"* light; the worst of them is {worst[0]}: {worst[1].ms:.1f} ms, {worst[1].ratio:.2f} of pydantic's")
    for sentence in too_slow:
        print(sentence, file=sys.stderr)
    return 1 if too_slow else 0


if __name__ == "__main__":
    sys.exit(main())
