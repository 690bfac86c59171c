"""MetaTrader 5's timeframes."""

from enum import StrEnum


class Timeframe(StrEnum):
    M1 = "M1"
    M2 = "M2"
    M3 = "M3"
    M4 = "M4"
    M5 = "M5"
    M6 = "M6"
    M10 = "M10"
    M12 = "M12"
    M15 = "M15"
    M20 = "M20"
    M30 = "M30"
    H1 = "H1"
    H2 = "H2"
    H3 = "H3"
    H4 = "H4"
    H6 = "H6"
    H8 = "H8"
    H12 = "H12"
    D1 = "D1"
    W1 = "W1"
    MN1 = "MN1"

    @property
    def seconds(self) -> int:
        """Nominal length of a bar in seconds; a month counts as 30 days (only gaps are judged by it)."""
        if self is Timeframe.MN1:
            return 30 * 86_400
        unit = {"M": 60, "H": 3_600, "D": 86_400, "W": 604_800}[self.value[0]]
        return unit * int(self.value[1:])
