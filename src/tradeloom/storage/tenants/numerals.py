"""Numbers of so many digits that arithmetic with them takes its time. PostgreSQL's numeric has up to 131,072, and does
not look at its watch between two operations of one expression."""

import re
from typing import Final

MAX_DIGITS: Final = 60
MAX_EXPONENT: Final = 350

_NUMERAL: Final = re.compile(
    r"\s*[-+]?(?P<digits>[0-9][0-9a-fxo_.]*?|[.][0-9_]*?)(?:e(?P<exponent>[-+]?[0-9_]+))?\s*", re.IGNORECASE
)


def is_huge_number(text: str) -> bool:
    """Whether the text, read as a number, has too many digits. False for what is no number."""
    if len(text) < 5:
        return False
    found = _NUMERAL.fullmatch(text)
    if found is None:
        return False
    exponent = (found["exponent"] or "0").replace("_", "").lstrip("+-0")[:6] or "0"
    return len(found["digits"]) > MAX_DIGITS or int(exponent) > MAX_EXPONENT
