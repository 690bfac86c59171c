"""What a process loads before it does anything: whoever types a command waits for it, and each test that starts one."""

import subprocess
import sys

import pytest

HEAVY = {"aws_lambda_powertools", "boto3", "cryptography", "numpy", "pandas", "psycopg", "talib", "uvicorn"}


@pytest.mark.parametrize(
    ("module", "needs"),
    [
        ("tradeloom.cli", ()),
        ("tradeloom.cli.running", ()),
        ("tradeloom.cli.documents", ()),
        ("tradeloom.engine.worker", ()),
        ("tradeloom.local.machine", ("numpy", "psycopg")),
        ("mt5_bridge.service", ("cryptography",)),
        ("mt5_bridge.worker", ("numpy",)),
    ],
)
def test_nothing_heavy_is_loaded_that_it_does_not_need(module: str, needs: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert set(done.stdout.split()) <= set(needs)
