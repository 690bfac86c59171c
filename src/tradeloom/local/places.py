"""Where the parts that are no Python code lie: beside the package when installed, in the repository otherwise."""

from pathlib import Path

from tradeloom.errors import NotFound

_PACKAGE = Path(__file__).resolve().parents[1]
_REPOSITORY = _PACKAGE.parents[1]


def console_folder() -> Path | None:
    """The console's files as `make console` built them; None where it was not built."""
    return next((root / "web/dist" for root in (_PACKAGE, _REPOSITORY) if (root / "web/dist").is_dir()), None)


def examples_folder() -> Path:
    return _first("examples", "the example workflows")


def bundled_bars() -> Path:
    """Real EURUSD H1 ask bars."""
    return _first("data/EURUSD_H1_ask.csv", "the bundled market data")


def functions_root() -> Path:
    """The folder that holds `functions/`: workers import the Lambda functions from there."""
    return _first("functions", "the node functions").parent


def _first(relative: str, what: str) -> Path:
    for root in (_PACKAGE, _REPOSITORY):
        if (root / relative).exists():
            return root / relative
    raise NotFound(
        f"{relative} is not there: {what} cannot be found.",
        hint="Run Tradeloom from its repository, or install a wheel that carries it.",
    )
