"""What a check of `tradeloom doctor` came to."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    check: str
    status: Literal["ok", "warning", "failed"]
    detail: str
    hint: str = ""


class CheckFailed(Exception):
    """What is wrong, and what to do about it."""

    def __init__(self, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
