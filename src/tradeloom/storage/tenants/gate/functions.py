"""The functions a tenant's SQL may call, and what some of them may be given.

Left out on purpose: whatever reads files, settings, catalogs or other tables (`pg_*`, `lo_*`, `query_to_xml`,
`current_setting`), sleeps or locks, and whatever makes much out of little without looking at its watch (`repeat`,
`array_fill`, `regexp_replace`, a wide `format`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tradeloom.errors import QueryRefused
from tradeloom.storage.tenants.gate.words import words
from tradeloom.storage.tenants.numerals import is_huge_number

MAX_WIDTH: Final = 1_000
MAX_SERIES: Final = 100_000
MAX_FORMAT: Final = 200
MAX_PATTERN: Final = 200
MAX_REPLACEMENT: Final = 16
MAX_EXPONENT: Final = 32

Constant = Callable[[Any], Any]
"""A node's value where it is a constant or a parameter, else `NOT_CONSTANT`."""
NOT_CONSTANT: Final = object()
Check = Callable[[str, Sequence[Any], Constant], None]

HEAVY: Final = words(
    """
    sqrt cbrt exp ln log log10 power pow
    """
)
"""Slow with numbers of many digits; only so many of them stand in one statement."""


def _size(name: str, arguments: Sequence[Any], constant: Constant) -> None:
    """`lpad(text, length, fill)`."""
    width = constant(arguments[1]) if len(arguments) > 1 else NOT_CONSTANT
    if not isinstance(width, int) or width > MAX_WIDTH:
        raise QueryRefused(f"{name}() takes a length that is a number in the SQL, at most {MAX_WIDTH:,}.")


def _format(name: str, arguments: Sequence[Any], constant: Constant) -> None:
    template = constant(arguments[0]) if arguments else NOT_CONSTANT
    widths = re.findall(r"%(?:\d+\$)?-?(\*|\d+)", template) if isinstance(template, str) else ["*"]
    if not isinstance(template, str) or len(template) > MAX_FORMAT or any(w == "*" or len(w) > 2 for w in widths):
        raise QueryRefused(f"{name}() takes a format that is a text in the SQL, and no width above 99.")


def _number_format(name: str, arguments: Sequence[Any], constant: Constant) -> None:
    template = constant(arguments[1]) if len(arguments) > 1 else NOT_CONSTANT
    if not isinstance(template, str) or len(template) > MAX_FORMAT:
        raise QueryRefused(f"{name}() takes a format that is a text in the SQL, at most {MAX_FORMAT} characters.")


def _replacement(name: str, arguments: Sequence[Any], constant: Constant) -> None:
    new = constant(arguments[2]) if len(arguments) > 2 else NOT_CONSTANT
    if not isinstance(new, str) or len(new) > MAX_REPLACEMENT:
        raise QueryRefused(f"{name}() takes a replacement that is a text in the SQL, up to {MAX_REPLACEMENT} letters.")


def _pattern(name: str, arguments: Sequence[Any], constant: Constant) -> None:
    if len(arguments) > 1:
        check_pattern(f"{name}()", constant(arguments[1]))


def _substring(name: str, arguments: Sequence[Any], constant: Constant) -> None:
    """By position, which may be computed, or by pattern."""
    for argument in arguments[1:]:
        value = constant(argument)
        if isinstance(value, str):
            check_pattern(f"{name}()", value)


def check_pattern(what: str, pattern: Any) -> None:
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        raise QueryRefused(f"{what} takes a pattern that is a text in the SQL, at most {MAX_PATTERN} characters.")
    if re.search(r"\{[^}]*\d{2}", pattern):
        raise QueryRefused(f"{what} takes a pattern that repeats nothing more than nine times by number.")


def _power(name: str, arguments: Sequence[Any], constant: Constant) -> None:
    if len(arguments) > 1:
        check_exponent(f"{name}()", constant(arguments[1]))


def check_exponent(what: str, exponent: Any) -> None:
    if isinstance(exponent, bool) or not isinstance(exponent, int | float) or abs(exponent) > MAX_EXPONENT:
        raise QueryRefused(
            f"{what} takes an exponent that is a number in the SQL, at most {MAX_EXPONENT}.",
            hint="For a root write sqrt(), for a growth rate exp(x * ln(y)).",
        )


_UNITS: Final = re.compile(
    r"\s*(?P<count>\d{1,4})\s*(minutes?|mins?|hours?|days?|weeks?|mons?|months?|years?)\s*", re.IGNORECASE
)


def _series(name: str, arguments: Sequence[Any], constant: Constant) -> None:
    """A series of numbers whose length is known, or one of times whose step is a minute or more."""
    values = [constant(argument) for argument in arguments]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(values) >= 2:
        step = abs(numbers[2]) if len(numbers) > 2 else 1
        if step and abs(numbers[1] - numbers[0]) / step <= MAX_SERIES:
            return
    elif len(values) >= 3 and isinstance(values[2], str):
        found = _UNITS.fullmatch(values[2])
        if found and int(found["count"]):
            return
    raise QueryRefused(
        f"{name}() takes numbers in the SQL at most {MAX_SERIES:,} steps apart, or times and a step of a minute or"
        " more, such as '1 hour'."
    )


_PLAIN: Final = words(
    """
    count sum avg min max any_value stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop
    covar_samp regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy bool_and
    bool_or every bit_and bit_or string_agg array_agg json_agg jsonb_agg json_object_agg jsonb_object_agg
    percentile_cont percentile_disc mode first_value last_value nth_value lag lead row_number rank dense_rank
    percent_rank cume_dist ntile abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log log10 mod div
    width_bucket degrees radians pi sin cos tan asin acos atan atan2 sinh cosh tanh lower upper initcap length
    char_length character_length octet_length bit_length btrim ltrim rtrim left right substr strpos position overlay
    split_part translate concat concat_ws reverse md5 ascii chr starts_with like_escape string_to_array
    array_to_string to_timestamp to_date now clock_timestamp statement_timestamp transaction_timestamp date_trunc
    date_part extract age date_bin date_add date_subtract make_date make_time make_timestamp make_timestamptz
    make_interval justify_days justify_hours justify_interval timezone isfinite overlaps date json_build_object
    jsonb_build_object json_build_array jsonb_build_array json_array_length jsonb_array_length json_array_elements
    jsonb_array_elements json_array_elements_text jsonb_array_elements_text json_each jsonb_each json_each_text
    jsonb_each_text json_object_keys jsonb_object_keys json_extract_path jsonb_extract_path json_extract_path_text
    jsonb_extract_path_text json_typeof jsonb_typeof to_json to_jsonb row_to_json jsonb_set jsonb_insert
    jsonb_pretty json_strip_nulls jsonb_strip_nulls json_to_record jsonb_to_record json_to_recordset
    jsonb_to_recordset array_length array_lower array_upper array_ndims cardinality array_position array_positions
    array_append array_prepend array_cat array_remove array_replace unnest generate_subscripts num_nulls
    num_nonnulls
    """
)

_CHECKED: Final[Mapping[str, Check]] = {
    "lpad": _size,
    "rpad": _size,
    "format": _format,
    "to_char": _number_format,
    "to_number": _number_format,
    "replace": _replacement,
    "substring": _substring,
    "regexp_like": _pattern,
    "regexp_count": _pattern,
    "regexp_match": _pattern,
    "regexp_substr": _pattern,
    "similar_to_escape": lambda name, arguments, constant: check_pattern("SIMILAR TO", constant(arguments[0])),
    "power": _power,
    "pow": _power,
    "generate_series": _series,
}

FUNCTIONS: Final[Mapping[str, Check | None]] = {**dict.fromkeys(_PLAIN), **_CHECKED}

MOST: Final[Mapping[str, int]] = {"replace": 4, "translate": 8, "format": 8}
"""Most calls of one function in a statement, where each makes a text longer or takes its time."""

IN_RECURSION: Final = words(
    """
    count min max abs ceil floor round trunc sign mod lower upper length left right substr now date_trunc date_part
    extract timezone date make_interval row_number rank lag lead first_value last_value num_nulls num_nonnulls
    array_length cardinality array_position
    """
)
"""Functions a recursive query may call: none of them makes its result larger than what it was given."""


def number(text: str) -> float:
    """A numeral's value. Raises `QueryRefused` for one of too many digits."""
    if is_huge_number(text):
        raise QueryRefused("A number in the SQL has far too many digits.")
    try:
        return float(text)
    except ValueError:
        return float(int(text, 0))
