"""Market-data files: `time,open,high,low,close,volume` in CSV or gzipped CSV, checked completely before use."""

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from mt5_bridge.paper.timeframes import bar_end
from tradeloom.errors import DataFileError
from tradeloom.trading.timeframes import Timeframe

HEADER = ("time", "open", "high", "low", "close", "volume")
_FIRST_DATA_LINE = 2
_ENOUGH_TO_JUDGE_SPACING = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BarSeries:
    """Columns of equal length, oldest bar first. `open_time` and `end_time` are int64 seconds of server time (a bar
    covers [open_time, end_time)), prices and volume float64 as the file quotes them."""

    path: Path
    timeframe: Timeframe
    open_time: NDArray[np.int64]
    end_time: NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.open_time)


def load_bars(path: Path, timeframe: Timeframe, zone: tzinfo = UTC) -> BarSeries:
    """Reads and checks a file. Times with an offset (or Z) are converted to the server's `zone`, times without one
    are server time already. Raises `DataFileError` naming line and column."""
    lines = _read_lines(path)
    rows = [line.split(",") for line in lines[1:]]
    try:
        time_texts, *number_texts = zip(*rows, strict=True)
        opens, highs, lows, closes, volumes = (np.array([float(text) for text in column]) for column in number_texts)
        times = _server_seconds(time_texts, zone)
    except ValueError as error:
        _find_bad_row(path, rows, zone)
        raise DataFileError(f"{path}: {error}") from error
    open_time = times.astype(np.int64)
    series = BarSeries(path, timeframe, open_time, bar_end(open_time, timeframe), opens, highs, lows, closes, volumes)
    _check_values(series, times)
    _check_times(series)
    return series


def count_decimals(path: Path) -> int:
    """Most decimals any price of the file is written with: the digits of its symbol."""
    rows = (line.split(",")[1:5] for line in _read_lines(path)[1:])
    return max(len(price.strip().partition(".")[2]) for row in rows for price in row)


def _read_lines(path: Path) -> list[str]:
    """Header and rows; blank lines at the end are dropped."""
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataFileError(f"{path} does not exist", hint="Give the path of a CSV file with bars.") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataFileError(f"{path} cannot be read: {error}") from error
    lines = text.rstrip().splitlines()
    header = tuple(name.strip().lower() for name in lines[0].split(",")) if lines else ()
    if header != HEADER:
        raise DataFileError(f"{path} line 1: the header must be {','.join(HEADER)}", field="header")
    if len(lines) < _FIRST_DATA_LINE:
        raise DataFileError(f"{path} has no bars")
    return lines


def _server_seconds(texts: Sequence[str], zone: tzinfo) -> Floats:
    """ISO 8601 texts as seconds of server time. ValueError when one is no time, or some name an offset and some not."""
    stamps = [datetime.fromisoformat(text.strip()) for text in texts]
    aware = sum(stamp.tzinfo is not None for stamp in stamps)
    if aware not in (0, len(stamps)):
        raise ValueError("some times carry an offset and some do not")
    if aware and zone is not UTC:
        stamps = [stamp.astimezone(zone).replace(tzinfo=UTC) for stamp in stamps]
    elif not aware:
        stamps = [stamp.replace(tzinfo=UTC) for stamp in stamps]
    return np.array([stamp.timestamp() for stamp in stamps])


def _find_bad_row(path: Path, rows: list[list[str]], zone: tzinfo) -> None:
    """Says where the fast reading stumbled; returns only if every row is well-formed by itself."""
    for line, row in enumerate(rows, start=_FIRST_DATA_LINE):
        if len(row) != len(HEADER):
            raise DataFileError(f"{path} line {line}: {len(row)} columns instead of {len(HEADER)}")
        for name, text in zip(HEADER, row, strict=True):
            try:
                _server_seconds([text], zone) if name == "time" else float(text)
            except ValueError as error:
                kind = "an ISO 8601 time" if name == "time" else "a number"
                raise DataFileError(f"{path} line {line}, column {name}: {text!r} is not {kind}", field=name) from error


def _check_values(series: BarSeries, times: Floats) -> None:
    columns = {name: getattr(series, name) for name in HEADER[1:]}
    for name, column in columns.items():
        _refuse(series, ~np.isfinite(column), name, "is not finite")
    for name in ("open", "high", "low", "close"):
        _refuse(series, columns[name] <= 0, name, "is not positive")
    _refuse(series, series.volume < 0, "volume", "is negative")
    _refuse(series, times != series.open_time, "time", "is not a whole second")
    _refuse(series, series.high < np.maximum(series.open, series.close), "high", "is below open or close")
    _refuse(series, series.low > np.minimum(series.open, series.close), "low", "is above open or close")


def _check_times(series: BarSeries) -> None:
    """Strictly rising, and spaced as the timeframe says: a file of H1 bars declared as M1 would replay nonsense."""
    gaps = np.diff(series.open_time)
    after_first = np.concatenate(([False], gaps == 0))
    _refuse(series, after_first, "time", "repeats the bar before")
    _refuse(series, np.concatenate(([False], gaps < 0)), "time", "is earlier than the bar before")
    overlap = np.concatenate(([False], series.open_time[1:] < series.end_time[:-1]))
    _refuse(series, overlap, "time", f"lies inside the bar before: these are not {series.timeframe} bars")
    if len(series) >= _ENOUGH_TO_JUDGE_SPACING and not np.any(series.open_time[1:] == series.end_time[:-1]):
        raise DataFileError(
            f"{series.path}: no two bars are one {series.timeframe} apart (least {int(gaps.min())} s)",
            field="time",
            hint="The timeframe given for this file is probably wrong.",
        )


def _refuse(series: BarSeries, bad: NDArray[np.bool_], column: str, what: str) -> None:
    if bad.any():
        _fail(series, int(np.argmax(bad)), column, what)


def _fail(series: BarSeries, row: int, column: str, what: str) -> NoReturn:
    value = np.datetime64(int(series.open_time[row]), "s") if column == "time" else getattr(series, column)[row]
    raise DataFileError(
        f"{series.path} line {row + _FIRST_DATA_LINE}, column {column}: {value} {what}",
        field=column,
    )
