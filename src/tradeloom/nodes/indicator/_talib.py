"""TA-Lib, loaded on first use."""

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any


@cache
def talib() -> Any:
    """The `talib` module, without the pandas it would import for its own convenience (it costs 0.2 s).

    Where pandas is loaded already nothing is held back.
    """
    held_back = [name for name in ("pandas", "polars") if name not in sys.modules]
    try:
        # None makes an import of that name fail, which is how talib finds that it has nothing to wrap.
        sys.modules.update(dict.fromkeys(held_back))  # type: ignore[arg-type]
        import talib
    finally:
        for name in held_back:
            del sys.modules[name]
    return talib


def lookback(function: str, arguments: Mapping[str, Any]) -> int:
    """The first row on which a function has a value under these arguments, as TA-Lib counts it."""
    talib()
    from talib import abstract

    functions: Any = abstract
    made = functions.Function(function)
    made.parameters = dict(arguments)
    return int(made.lookback)
