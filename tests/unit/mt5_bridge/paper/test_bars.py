import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from mt5_bridge.paper.bars import count_decimals, load_bars
from tradeloom.errors import DataFileError
from tradeloom.trading.timeframes import Timeframe

HEADER = "time,open,high,low,close,volume\n"
ROW = "2024-01-08T00:00:00Z,1.1,1.2,1.0,1.15,10\n"
REPOSITORY = Path(__file__).parents[4]
SAMPLE = REPOSITORY / "src" / "tradeloom" / "data" / "EURUSD_H1_ask.csv"
SHARED = REPOSITORY.parent / "shared" / "data"


def bars_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bars.csv"
    path.write_text(text)
    return path


def test_reads_utc_times_as_they_are(tmp_path: Path) -> None:
    series = load_bars(bars_file(tmp_path, HEADER + ROW), Timeframe.H1)
    assert series.open_time.tolist() == [1_704_672_000]
    assert series.end_time.tolist() == [1_704_675_600]
    assert (series.open[0], series.high[0], series.low[0], series.close[0]) == (1.1, 1.2, 1.0, 1.15)
    assert series.volume[0] == 10


def test_times_without_an_offset_are_server_time(tmp_path: Path) -> None:
    athens = ZoneInfo("Europe/Athens")
    naive = load_bars(bars_file(tmp_path, HEADER + ROW.replace("T", " ").replace("Z", "")), Timeframe.H1, athens)
    aware = load_bars(bars_file(tmp_path, HEADER + ROW), Timeframe.H1, athens)
    assert naive.open_time[0] == 1_704_672_000
    assert aware.open_time[0] == 1_704_672_000 + 2 * 3_600  # UTC+2 in winter


def test_reads_gzip(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv.gz"
    path.write_bytes(gzip.compress((HEADER + ROW).encode()))
    assert len(load_bars(path, Timeframe.H1)) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the header must be"),
        ("time,open,high,low,close\n" + ROW, "the header must be"),
        (HEADER, "has no bars"),
        (HEADER + "2024-01-08,1.1,1.2,1.0\n", "line 2: 4 columns"),
        (HEADER + ROW + "nonsense,1.1,1.2,1.0,1.1,1\n", "line 3, column time: 'nonsense' is not an ISO 8601 time"),
        (HEADER + ROW + "\n" + ROW, "line 3: 1 columns"),
        (HEADER + "2024-01-08T00:00:00Z,1.1,x,1.0,1.1,1\n", "line 2, column high: 'x' is not a number"),
        (HEADER + "2024-01-08T00:00:00Z,1.1,nan,1.0,1.1,1\n", "line 2, column high: nan is not finite"),
        (HEADER + "2024-01-08T00:00:00Z,1.1,inf,1.0,1.1,1\n", "line 2, column high: inf is not finite"),
        (HEADER + "2024-01-08T00:00:00Z,1.1,1.2,-1.0,1.1,1\n", "line 2, column low: -1.0 is not positive"),
        (HEADER + "2024-01-08T00:00:00Z,1.1,1.05,1.0,1.0,1\n", "line 2, column high: 1.05 is below open or close"),
        (HEADER + "2024-01-08T00:00:00Z,1.1,1.2,1.15,1.2,1\n", "line 2, column low: 1.15 is above open or close"),
        (HEADER + "2024-01-08T00:00:00Z,1.1,1.2,1.0,1.1,-1\n", "line 2, column volume: -1.0 is negative"),
        (HEADER + "2024-01-08T00:00:00.5Z,1.1,1.2,1.0,1.1,1\n", "line 2, column time"),
        (HEADER + ROW + ROW, "line 3, column time: 2024-01-08T00:00:00 repeats the bar before"),
        (HEADER + ROW + ROW.replace("00:00:00Z", "00:30:00Z"), "lies inside the bar before: these are not H1 bars"),
        (HEADER + ROW.replace("08T", "09T") + ROW, "line 3, column time: 2024-01-08T00:00:00 is earlier"),
        (HEADER + ROW + ROW.replace("Z", ""), "some times carry an offset and some do not"),
    ],
)
def test_says_what_is_wrong_and_where(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataFileError) as caught:
        load_bars(bars_file(tmp_path, text), Timeframe.H1)
    assert says in caught.value.message


@pytest.mark.parametrize("name", ["missing.csv", "bytes.csv", "cut.csv.gz"])
def test_unreadable_files_are_data_file_errors(tmp_path: Path, name: str) -> None:
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\xff")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress((HEADER + ROW * 50).encode())[:40])
    with pytest.raises(DataFileError):
        load_bars(tmp_path / name, Timeframe.H1)


def test_refuses_bars_of_another_timeframe(tmp_path: Path) -> None:
    start = datetime(2024, 1, 8, tzinfo=UTC)
    rows = "".join(f"{(start + timedelta(hours=n)).isoformat()},1.1,1.2,1.0,1.1,1\n" for n in range(5))
    with pytest.raises(DataFileError, match="no two bars are one M15 apart"):
        load_bars(bars_file(tmp_path, HEADER + rows), Timeframe.M15)


def test_counts_the_decimals_of_prices(tmp_path: Path) -> None:
    assert count_decimals(bars_file(tmp_path, HEADER + "2024-01-08,1547.5,1550,1547.25,1549,1234.5678\n")) == 2


def test_reads_the_bundled_sample() -> None:
    series = load_bars(SAMPLE, Timeframe.H1)
    assert len(series) == 6_225
    assert np.all(np.diff(series.open_time) >= 3_600)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared market data is not beside this checkout")
def test_reads_every_shared_file() -> None:
    lengths = {}
    for path in sorted(SHARED.glob("*.csv.gz")):
        frame = Timeframe(path.name.split("_")[1].partition(".")[0])
        lengths[path.name] = len(load_bars(path, frame))
    assert lengths["GBPUSD_H1.csv.gz"] == lengths["XAUUSD_H1.csv.gz"] == 57_600
    assert lengths["GBPUSD_M1_ask.csv.gz"] == 30_117
