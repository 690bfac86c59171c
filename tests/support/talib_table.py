"""What the installed TA-Lib says of its own functions, in the form of `nodes/indicator/_functions.json`.

`python -m tests.support.talib_table` writes that file anew; a test holds it against the installed library.
"""

import ctypes
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import talib
from talib import abstract

import tradeloom.nodes.indicator as package

TABLE = Path(package.__path__[0]) / "_functions.json"

LEFT_OUT = {"MAVP": "its second input is a series of periods, which bars do not hold"}
"""Functions that compute on something other than bars. Candlestick patterns belong to ml.pattern."""

_KINDS = {0: "real", 1: "real", 2: "integer", 3: "integer"}


class _Range(ctypes.Structure):
    _fields_ = (("least", ctypes.c_double), ("most", ctypes.c_double))


class _IntegerRange(ctypes.Structure):
    _fields_ = (("least", ctypes.c_int), ("most", ctypes.c_int))


class _OptInput(ctypes.Structure):
    """TA_OptInputParameterInfo of ta_abstract.h; the Python wrapper gives everything of it but the range."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("flags", ctypes.c_int),
        ("display_name", ctypes.c_char_p),
        ("data_set", ctypes.c_void_p),
        ("default", ctypes.c_double),
        ("hint", ctypes.c_char_p),
        ("help_file", ctypes.c_char_p),
    )


def facts() -> dict[str, Any]:
    """`{function: facts}` of everything that computes on bars, sorted by name."""
    library = _library()
    groups = talib.get_function_groups()
    found = {
        name: _facts(library, name, group)
        for group, names in groups.items()
        if group != "Pattern Recognition"
        for name in names
        if name not in LEFT_OUT
    }
    return dict(sorted(found.items()))


def _facts(library: ctypes.CDLL, name: str, group: str) -> dict[str, Any]:
    functions: Any = abstract
    function = functions.Function(name)
    info = function.info
    inputs: list[str] = []
    for input_name, series in info["input_names"].items():
        inputs += series if isinstance(series, list) else [input_name]
    return {
        "title": info["display_name"],
        "group": group.removesuffix(" Indicators").removesuffix(" Studies").removesuffix(" Functions").lower(),
        "inputs": inputs,
        "parameters": [_parameter(library, name, at, key) for at, key in enumerate(info["parameters"])],
        "outputs": list(info["output_names"]),
        "lookback": function.lookback,
        "unstable": "Function has an unstable period" in info["function_flags"],
        "path_dependent": "Output is path-dependent" in info["function_flags"],
    }


def _parameter(library: ctypes.CDLL, function: str, at: int, name: str) -> dict[str, Any]:
    handle = ctypes.c_void_p()
    assert library.TA_GetFuncHandle(function.encode(), ctypes.byref(handle)) == 0
    info = ctypes.POINTER(_OptInput)()
    assert library.TA_GetOptInputParameterInfo(handle, ctypes.c_uint(at), ctypes.byref(info)) == 0
    told = info.contents
    assert (told.name or b"").decode().removeprefix("optIn").lower() == name
    common = {"name": name, "title": (told.display_name or b"").decode(), "hint": (told.hint or b"").decode()}
    if name.endswith("matype"):
        return common | {"kind": "average", "default": int(told.default)}
    if _KINDS[told.type] == "integer":
        limits = ctypes.cast(told.data_set, ctypes.POINTER(_IntegerRange)).contents
        return common | {"kind": "integer", "default": int(told.default), "min": limits.least, "max": limits.most}
    span = ctypes.cast(told.data_set, ctypes.POINTER(_Range)).contents
    return common | {"kind": "real", "default": told.default, "min": span.least, "max": span.most}


def _library() -> ctypes.CDLL:
    """The C library inside the wheel: the very file the wrapper has loaded."""
    spec = find_spec("talib")
    assert spec is not None
    assert spec.origin is not None
    (path,) = (Path(spec.origin).parents[1] / "ta_lib.libs").glob("libta-lib-*")
    return ctypes.CDLL(str(path))


def text() -> str:
    """The file's text: a function a line, so that a new release reads well in a diff."""
    lines = [f"  {json.dumps(name)}: {json.dumps(told)}" for name, told in facts().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TABLE.write_text(text())
