"""JSON text from encoders that are made once."""

import json
from collections.abc import Callable
from typing import Any


def encoder(**options: Any) -> Callable[[Any], str]:
    """Compact JSON, with `json.JSONEncoder`'s options: its own `encode` makes a C encoder anew for each value, at more
    than what a small value costs. A value that holds itself ends in a `RecursionError`."""
    made = json.JSONEncoder(separators=(",", ":"), check_circular=False, **options)
    c_encoder = getattr(json.encoder, "c_make_encoder", None)
    if c_encoder is None:
        return made.encode
    text = json.encoder.encode_basestring_ascii if made.ensure_ascii else json.encoder.encode_basestring
    encode = c_encoder(None, made.default, text, None, ":", ",", False, False, made.allow_nan)
    return lambda value: "".join(encode(value, 0))
