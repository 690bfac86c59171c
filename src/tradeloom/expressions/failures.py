"""How expressions fail: typed errors with a position, and hints for the person who mistyped."""

from collections.abc import Iterable

from tradeloom.errors import ExpressionError

_MAX_WORD = 64
_MAX_CANDIDATES = 500


class LimitReached(Exception):
    """An evaluation used up its allowance. Not a `TradeloomError`, so that `&&` and `||` cannot absorb it;
    at the border it becomes an `ExpressionError`."""


def failure(message: str, position: int | None = None, hint: str | None = None) -> ExpressionError:
    return ExpressionError(message, position=position, hint=hint)


def located(error: ExpressionError, position: int) -> ExpressionError:
    """The error, at this position unless it already knows a closer one."""
    if error.position is None:
        error.position = position
    return error


def shifted(error: ExpressionError, offset: int) -> ExpressionError:
    """The same error in a text where the expression begins at `offset`."""
    position = None if error.position is None else error.position + offset
    return failure(error.message, position, error.hint)


def quoted(word: str, limit: int = 40) -> str:
    """The word in quotes, cut to a length that fits a sentence."""
    return f'"{word}"' if len(word) <= limit else f'"{word[:limit]}…"'


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """A hint naming the nearest candidate, if one is near enough to be a typing error."""
    if len(word) > _MAX_WORD:
        return None
    best: str | None = None
    best_distance = 2.0 if len(word) <= 3 else 3.0
    for _, candidate in zip(range(_MAX_CANDIDATES), candidates, strict=False):
        if abs(len(candidate) - len(word)) < best_distance:
            distance = 0.5 if candidate.lower() == word.lower() else _edits(word.lower(), candidate.lower())
            if distance < best_distance:
                best, best_distance = candidate, distance
    return None if best is None else f"Did you mean {best}?"


def _edits(a: str, b: str) -> float:
    """Levenshtein's distance, with two neighbouring letters swapped counting as one edit."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
