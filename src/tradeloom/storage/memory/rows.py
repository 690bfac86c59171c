"""Rows that are kept apart from what is handed out."""

import copy


def kept_row[T](row: T) -> T:
    """A copy that later changes of the row do not reach."""
    return copy.deepcopy(row)
