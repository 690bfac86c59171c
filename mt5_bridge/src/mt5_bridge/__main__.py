"""`python -m mt5_bridge --config bridge.toml`: runs the bridge until it is told to stop; `service …`: see there.

Light at import: every worker process imports this module once more, for it was the front's main module.
"""

import argparse
import sys
from pathlib import Path

EXIT_CONFIGURATION = 2
EXIT_FAILED = 1


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 after a clean stop, 2 for a wrong configuration, 1 when the bridge cannot run."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["service"]:
        from mt5_bridge import windows_service

        return windows_service.main(arguments[1:])
    from mt5_bridge.service import run_until_stopped
    from tradeloom.errors import InvalidInput, TradeloomError

    options = _parser().parse_args(arguments)
    try:
        run_until_stopped(options.config, watch_input=options.stop_with_input)
    except (TradeloomError, OSError) as error:
        print(f"tradeloom-bridge: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION if isinstance(error, InvalidInput) else EXIT_FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "tradeloom-bridge",
        description="The service beside the MetaTrader 5 terminal.",
        epilog="tradeloom-bridge service --help: the bridge as a Windows service",
    )
    parser.add_argument("--config", type=Path, required=True, help="TOML or JSON file, see docs/bridge.md")
    parser.add_argument("--stop-with-input", action="store_true", help="stop when standard input ends")
    return parser


if __name__ == "__main__":
    sys.exit(main())
