"""Claim checks: a large output travels as its hash and is fetched by whoever reads it."""

import json
from typing import Any

from tradeloom.errors import NodeError
from tradeloom.json_text import encoder
from tradeloom.nodes.base import NodeOutput
from tradeloom.runtime.envelope import INLINE_OUTPUT_BYTES
from tradeloom.runtime.services import Services

CLAIM = "$claim"
MAX_OUTPUT_BYTES = 4 * 1024 * 1024
_encode = encoder(allow_nan=False, ensure_ascii=False)


class OutputTooLarge(NodeError):
    """A node's output is larger than any node may give."""


class OutputNotKept(NodeError):
    """The node did what it is for, and its output could not be kept. It is not tried again: it would do it twice."""


class OutputNotUnicode(NodeError):
    """A text in a node's output holds half of a surrogate pair: JSON can spell it, but nothing can store or send it."""


def as_json(output: NodeOutput) -> Any:
    """The output as plain JSON. Raises `OutputNotUnicode`."""
    try:
        return output.model_dump(mode="json")
    except UnicodeEncodeError as error:
        raise _not_unicode() from error


def check_in(output: Any, services: Services, *, inline: bool = False) -> Any:
    """The output itself, or `{"$claim": {sha256, bytes}}` where it is too large to travel inline.

    Raises `OutputTooLarge` and `OutputNotUnicode`.
    """
    try:
        content = _encode(output).encode()
    except UnicodeEncodeError as error:
        raise _not_unicode() from error
    limit = 200 * 1024 if inline else MAX_OUTPUT_BYTES
    if len(content) > limit:
        raise OutputTooLarge(f"The output takes {len(content):,} bytes; {limit:,} is the most.")
    if inline or len(content) <= INLINE_OUTPUT_BYTES:
        return output
    return {CLAIM: {"sha256": services.store_blob(content), "bytes": len(content)}}


def check_out(output: Any, services: Services) -> Any:
    """What a claim stands for; anything else is given back as it is."""
    if isinstance(output, dict) and output.keys() == {CLAIM}:
        return json.loads(services.load_blob(output[CLAIM]["sha256"]))
    return output


def _not_unicode() -> OutputNotUnicode:
    hint = "Look for a \\ud800 to \\udfff without its partner where the text comes from."
    return OutputNotUnicode("A text in the output holds half of a surrogate pair, which is no character.", hint=hint)
