"""The operators and types a tenant's SQL may use, and names that are not what they seem."""

from typing import Final


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OPERATORS: Final = words(
    """
    + - * / % ^ = <> != < > <= >= || ~ ~* !~ !~* ~~ !~~ ~~* !~~* -> ->> #> #>> @> <@ ? ?| ?& && #- @? @@ & | # << >>
    ^@ |/ ||/ @
    """
)
ARITHMETIC: Final = frozenset({"*", "/", "%", "^"})
PATTERNS: Final = frozenset({"~", "~*", "!~", "!~*"})

TYPES: Final = words(
    """
    bool boolean int2 int4 int8 int integer smallint bigint float4 float8 real double numeric decimal text varchar
    bpchar date time timetz timestamp timestamptz interval json jsonb uuid bytea
    """
)
LENGTH_TYPES: Final = frozenset({"varchar", "bpchar", "numeric", "decimal"})
"""Types that take a length, which pads or keeps digits."""
MAX_LENGTH: Final = 1_000

DISGUISES: Final = words(
    """
    any_out anycompatible_out anycompatiblenonarray_out anyelement_out anynonarray_out hash_record
    hash_record_extended pg_collation_for pg_column_compression pg_column_size pg_column_toast_chunk_id
    pg_get_publication_tables pg_restore_attribute_stats pg_restore_relation_stats pg_typeof quote_literal
    quote_nullable record_out record_send row_to_json to_json to_jsonb json_agg jsonb_agg json_agg_strict
    jsonb_agg_strict json_build_array jsonb_build_array json_build_object jsonb_build_object datemultirange
    int4multirange int8multirange nummultirange tsmultirange tstzmultirange
    """
)
"""Functions that take a whole row, so that `t.row_to_json` calls one when the table has no such column."""
