"""Every bench in one run: `python -m tests.bench [--json]`.

Each `bench_*` module runs in a process of its own and prints one JSON object; figures of one run are comparable with
each other, not with another day's. Ends with 1 when a bench finds its own ratio missed.
"""

import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent


def main() -> int:
    as_json = "--json" in sys.argv[1:]
    console = Console(stderr=as_json)
    results: dict[str, object] = {}
    worst = 0
    for path in sorted(HERE.glob("bench_*.py")):
        name = path.stem.removeprefix("bench_")
        with console.status(f"{name} …"):
            run = subprocess.run(
                [sys.executable, "-m", f"tests.bench.{path.stem}", "--json"],
                capture_output=True,
                text=True,
                check=False,
            )
        worst = max(worst, run.returncode)
        results[name] = json.loads(run.stdout) if run.stdout.strip() else {"error": run.stderr[-2_000:]}
        if not as_json:
            console.print(_table(name, results[name]))
    if as_json:
        print(json.dumps(results, indent=2))
    return min(worst, 1)


def _table(name: str, figures: object) -> Table:
    table = Table(title=name, title_justify="left", show_header=False)
    for key, value in _flat("", figures):
        table.add_row(key, value)
    return table


def _flat(prefix: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [row for key, part in value.items() for row in _flat(f"{prefix}{key} ", part)]
    if isinstance(value, list):
        return [row for position, part in enumerate(value) for row in _flat(f"{prefix}{position} ", part)]
    return [(prefix.strip(), f"{value:,.4g}" if isinstance(value, float) else str(value))]


if __name__ == "__main__":
    sys.exit(main())
