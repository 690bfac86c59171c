"""`python -m mt5_bridge --config bridge.toml`: runs the bridge until it is told to stop."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from mt5_bridge.config import load_config
from mt5_bridge.logs import log_to
from mt5_bridge.service import BridgeService
from tradeloom.errors import InvalidInput, TradeloomError

EXIT_CONFIGURATION = 2
EXIT_FAILED = 1


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 after a clean stop, 2 for a wrong configuration, 1 when the bridge cannot run."""
    options = _parser().parse_args(arguments)
    try:
        config = load_config(options.config)
        config.data_dir.mkdir(parents=True, exist_ok=True)
        log_to(config.data_dir / "logs" / "bridge.log", config.log_level)
        return _run(BridgeService(config), watch_input=options.stop_with_input)
    except (TradeloomError, OSError) as error:
        print(f"tradeloom-bridge: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION if isinstance(error, InvalidInput) else EXIT_FAILED


def _run(service: BridgeService, *, watch_input: bool) -> int:
    stop = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is Windows' own
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
    if watch_input:
        threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    try:
        health = service.start()
        accounts = ", ".join(f"{name} {account['status']}" for name, account in health["accounts"].items())
        print(f"ready on port {service.port} ({accounts})", flush=True)
        while not stop.wait(1.0):  # a bare wait() would not be interrupted on Windows
            pass
    finally:
        service.stop()
    return 0


def _stop_at_end_of_input(stop: threading.Event) -> None:
    """Whoever started us holds the other end of our input; when it dies, however that happens, the input ends."""
    sys.stdin.buffer.read()
    stop.set()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tradeloom-bridge", description="The service beside the MetaTrader 5 terminal.")
    parser.add_argument("--config", type=Path, required=True, help="TOML or JSON file, see docs/bridge.md")
    parser.add_argument("--stop-with-input", action="store_true", help="stop when standard input ends")
    return parser


if __name__ == "__main__":
    sys.exit(main())
