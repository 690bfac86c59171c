"""`tradeloom doctor`: everything Tradeloom needs on this machine, tried for real where it can be."""

import importlib
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.text import Text

from tradeloom.cli.doctor_home import HomeChecks
from tradeloom.cli.findings import CheckFailed, Finding
from tradeloom.cli.output import Exit, err, out, plain_table, say_json, stop
from tradeloom.cli.running import Running
from tradeloom.errors import TradeloomError
from tradeloom.local.home import AlreadyRunning, Home
from tradeloom.local.settings import Settings, load_settings

PACKAGES = {
    "pydantic": "pydantic",
    "aws-lambda-powertools": "aws_lambda_powertools",
    "numpy": "numpy",
    "TA-Lib": "talib",
    "rpyc": "rpyc",
    "psycopg": "psycopg",
    "jsonata-python": "jsonata",
    "uvicorn": "uvicorn",
    "cryptography": "cryptography",
}
LITTLE_SPACE = 1024**3
NO_SPACE = 200 * 1024**2


def examine(*, home: Path | None, as_json: bool) -> None:
    settings = load_settings(home=home)
    findings = []
    for name, check in _checks(settings).items():
        if not as_json and err.is_terminal:
            with err.status(name):
                finding = _tried(name, check)
        else:
            finding = _tried(name, check)
        findings.append(finding)
    failed = any(finding.status == "failed" for finding in findings)
    if as_json:
        say_json({"ok": not failed, "checks": [asdict(finding) for finding in findings]})
    else:
        _show(findings)
    if failed:
        stop(Exit.ENVIRONMENT)


def _show(findings: list[Finding]) -> None:
    marks = {"ok": Text("✓", "green"), "warning": Text("!", "yellow"), "failed": Text("✕", "bold red")}
    table = plain_table("", "check", "found", "what to do")
    for finding in findings:
        table.add_row(marks[finding.status], finding.check, finding.detail, finding.hint)
    out.print(table)


def _checks(settings: Settings) -> dict[str, Callable[[], str | Finding]]:
    return {
        "Python": _python,
        "packages": _packages,
        "node functions": _functions,
        "market data": _market_data,
        "data directory": lambda: _data_directory(settings.home),
        "accounts": lambda: _accounts(settings.home),
        "disk space": lambda: _disk_space(settings.home),
        "PostgreSQL": lambda: _postgres(settings),
        "bridge": _bridge,
        "processors": lambda: _processors(settings),
        **HomeChecks(settings).checks(),
    }


def _tried(name: str, check: Callable[[], str | Finding]) -> Finding:
    try:
        told = check()
    except CheckFailed as error:
        return Finding(name, "failed", error.detail, error.hint)
    except TradeloomError as error:
        return Finding(name, "failed", error.message, error.hint or "")
    return told if isinstance(told, Finding) else Finding(name, "ok", told)


def _python() -> str:
    return f"{platform.python_version()} at {sys.executable}"


def _packages() -> str:
    found, missing = [], []
    for package, module in PACKAGES.items():
        try:
            importlib.import_module(module)
            found.append(f"{package} {version(package)}")
        except (ImportError, PackageNotFoundError):
            missing.append(package)
    if missing:
        raise CheckFailed(
            f"missing: {', '.join(missing)}", "Run `make setup`, or install tradeloom[quant,broker,local]."
        )
    return f"{len(found)} of {len(PACKAGES)}: {', '.join(found)}"


def _functions() -> str:
    from tradeloom.local.places import functions_root
    from tradeloom.nodes.registry import node_types

    root = functions_root() / "functions" / "nodes"
    missing = [name for name in node_types() if not (root / f"{name.replace('.', '/')}.py").exists()]
    if missing:
        raise CheckFailed(f"no function for {', '.join(missing)}", f"Look into {root}.")
    return f"{len(node_types())} node types, a function each"


def _market_data() -> str:
    from tradeloom.local.market import bundled_data

    data = bundled_data()
    series = data.series()
    first, last = (
        time.strftime("%Y-%m-%d", time.gmtime(int(each))) for each in (series.open_time[0], series.end_time[-1])
    )
    return f"{data.symbol} {data.timeframe}: {len(series.open_time):,} bars, {first} to {last}"


def _data_directory(home: Path) -> str | Finding:
    place = Home(home)
    try:
        place.open()
    except AlreadyRunning as error:
        return Finding("data directory", "ok", f"{home}; in use: {error.message}")
    place.close()
    return str(home)


def _accounts(home: Path) -> str | Finding:
    """Whether what runs on the data directory may trade."""
    if Home(home).address() is None:
        return "nothing runs on the data directory"
    accounts = Running(home).get("accounts")["items"]
    told = ", ".join(f"{each['name']} {each['state'] or 'unknown'}" for each in accounts)
    stopped = [each for each in accounts if each["state"] != "active"]
    if not stopped:
        return told
    why = "; ".join(f"{each['name']}: {each['state_reason'] or each['detail']}" for each in stopped)
    return Finding("accounts", "warning", told, f"{why}. A person lifts it: tradeloom resume ACCOUNT --reason …")


def _disk_space(home: Path) -> str | Finding:
    existing = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    told = f"{free / 1024**3:.1f} GiB free"
    if free < NO_SPACE:
        raise CheckFailed(told, "Orders are refused when the journal cannot be written: free some space.")
    if free < LITTLE_SPACE:
        return Finding("disk space", "warning", told, "Free some space: the journal grows with every execution.")
    return told


def _processors(settings: Settings) -> str | Finding:
    """What it takes to wake them, and what there is to gain from not letting them sleep."""
    from tradeloom.local.wakefulness import DEVICE, processors_awake, remedy, waking_ms

    try:
        slept_ms = waking_ms()
        DEVICE.open("r+b").close()
    except OSError as error:
        missing = f"there is no {error.filename}"
        told = missing if isinstance(error, FileNotFoundError) else f"this user may not write {error.filename}"
        if settings.awake:
            return Finding("processors", "warning", f"they are not kept awake: {told}", remedy(error))
        return f"they may sleep between two tasks: {told}"
    with processors_awake():
        awake_ms = waking_ms()
    told = f"to wake one takes {slept_ms:.3f} ms, or {awake_ms:.3f} ms where they are kept awake"
    if settings.awake or slept_ms < 2 * awake_ms:
        return told
    return Finding("processors", "ok", told, "TRADELOOM_AWAKE=true keeps them awake while Tradeloom runs.")


def _postgres(settings: Settings) -> str:
    import psycopg

    from tradeloom.storage.postgres.server import PostgresServer

    with tempfile.TemporaryDirectory(prefix="tradeloom-doctor-") as folder:
        begun = time.monotonic()
        server = PostgresServer(Path(folder) / "postgres", url=settings.database_url or "")
        try:
            with psycopg.connect(server.start(), connect_timeout=5) as connection:
                row = connection.execute("SHOW server_version").fetchone()
        finally:
            server.stop()
        where = "DATABASE_URL" if settings.database_url else "its own"
        return f"{row[0] if row else '?'}, {where}, started and asked in {time.monotonic() - begun:.1f} s"


def _bridge() -> str:
    from tradeloom.local.market import ACCOUNT, PaperMarket

    with tempfile.TemporaryDirectory(prefix="tradeloom-doctor-") as folder:
        home = Home(Path(folder))
        market = PaperMarket(home)
        try:
            broker = market.start().account(ACCOUNT)
            account: Any = broker.account()
            begun = time.monotonic()
            for _ in range(20):
                tick = broker.tick("EURUSD")
            round_trip_ms = (time.monotonic() - begun) / 20 * 1000
        finally:
            market.stop()
    told = f"paper account with {account.balance:,.2f} {account.currency}, EURUSD {tick.bid}/{tick.ask}"
    return f"{told}, round trip {round_trip_ms:.1f} ms"
