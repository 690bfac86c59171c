"""From what a node type declares to what its function may reach. Pure: no CDK.

Two tables hold it all: what each effect opens, and what each opening is in the cloud (`infra/grants.py`).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from tradeloom.errors import InvalidInput
from tradeloom.nodes.base import Effect, Kind, Node


class Access(StrEnum):
    """One thing a function may reach."""

    ARTEFACTS = "artefacts"
    """Read the version an execution started with."""
    CLAIMS = "claims"
    """Keep and read large outputs."""
    BRIDGE = "bridge"
    """Open a connection to the MT5 bridge: its network and the client certificate."""
    RUN_STATE = "run_state"
    """Ask whether this execution may still act: stopped, superseded, account halted."""
    IDEMPOTENCY = "idempotency"
    """Keep what was done under an effect's key, so that it is done once."""
    READ_VARIABLES = "read_variables"
    WRITE_VARIABLES = "write_variables"
    """What a workflow remembers between runs."""
    MODELS = "models"
    """Read models, and keep those trained: their records among the variables, their files among the blobs."""
    STARTS = "starts"
    """Start another workflow and see how it ends."""
    NOTIFICATIONS = "notifications"
    """Put a message on the console."""
    DATABASE = "database"
    """The tenants' own tables, in Aurora."""
    CREDENTIALS = "credentials"
    """Read a stored credential and unwrap its data key."""


EVERY_NODE = frozenset({Access.ARTEFACTS, Access.CLAIMS})

BY_EFFECT: Mapping[Effect, frozenset[Access]] = MappingProxyType(
    {
        Effect.READS_MARKET: frozenset({Access.BRIDGE}),
        Effect.READS_STATE: frozenset({Access.READ_VARIABLES}),
        # No table of intents here: the bridge's journal is the authority, and the ledger is written from it.
        Effect.TRADES: frozenset({Access.BRIDGE, Access.RUN_STATE}),
        Effect.WRITES: frozenset({Access.RUN_STATE, Access.READ_VARIABLES, Access.WRITE_VARIABLES}),
        # Egress is what a function has when it stands in no VPC.
        Effect.NETWORK: frozenset({Access.RUN_STATE, Access.IDEMPOTENCY}),
        Effect.STARTS: frozenset({Access.RUN_STATE, Access.STARTS}),
    }
)

BY_CATEGORY: Mapping[tuple[str, Effect], frozenset[Access]] = MappingProxyType(
    {
        # The state of an account (balance, positions) is the broker's.
        ("market", Effect.READS_STATE): frozenset({Access.BRIDGE}),
        ("order", Effect.READS_STATE): frozenset({Access.BRIDGE}),
        ("risk", Effect.READS_STATE): frozenset({Access.BRIDGE}),
        ("ml", Effect.READS_STATE): frozenset({Access.MODELS}),
        ("notify", Effect.WRITES): frozenset({Access.RUN_STATE, Access.NOTIFICATIONS}),
        ("database", Effect.READS_STATE): frozenset({Access.DATABASE}),
        ("database", Effect.WRITES): frozenset({Access.RUN_STATE, Access.DATABASE}),
    }
)
"""Categories in which an effect means something narrower than it says."""

PRIVATE = frozenset({Access.BRIDGE, Access.DATABASE})
"""Reached inside the VPC, which has no way out to the internet."""


class ConflictingEffects(InvalidInput):
    """A node type asks for the internet and for the private network at once."""


def access_of(node: type[Node]) -> frozenset[Access]:
    """Everything the node type's function may reach.

    Raises `ConflictingEffects` for one that would reach both the broker (or the database) and the internet: the VPC
    has no way out on purpose, so that code that can see an account can tell nobody.
    """
    found = set(EVERY_NODE)
    for effect in node.effects:
        found |= BY_CATEGORY.get((node.category(), effect), BY_EFFECT[effect])
    if takes_credential(node):
        found.add(Access.CREDENTIALS)
    outside = Effect.NETWORK in node.effects or Access.CREDENTIALS in found
    if outside and found & PRIVATE:
        raise ConflictingEffects(
            f"{node.type} would reach the internet and {', '.join(sorted(found & PRIVATE))} at once.",
            hint="Split it in two node types.",
        )
    return frozenset(found)


def takes_credential(node: type[Node]) -> bool:
    """Whether its function opens a stored credential that its configuration names. A trigger's does not: what comes in
    is proved at the door, before anything starts."""
    return node.kind is not Kind.TRIGGER and any(
        part.get("widget") == "credential" for part in _parts(node.Config.model_json_schema())
    )


def _parts(schema: Any) -> list[Mapping[str, Any]]:
    if isinstance(schema, Mapping):
        return [schema, *(part for value in schema.values() for part in _parts(value))]
    if isinstance(schema, list):
        return [part for value in schema for part in _parts(value)]
    return []
