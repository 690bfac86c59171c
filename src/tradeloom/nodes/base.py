"""The contract of a node type: what it declares once, and how it runs.

From a class's declarations come its JSON Schema and palette entry, its Lambda function and least privileges, its page
in the node reference, and the types expressions are checked against.
"""

import builtins
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from tradeloom.errors import TradeloomError

if TYPE_CHECKING:
    from tradeloom.network.messages import Http, Mail
    from tradeloom.nodes.models import ModelStore
    from tradeloom.nodes.sub_workflows import SubWorkflows
    from tradeloom.nodes.tenant_database import TenantDatabase
    from tradeloom.nodes.variables import Variables
    from tradeloom.trading.bars import Bars, BarsReference
    from tradeloom.trading.broker import Broker

Join = Literal["any", "all", "settled"]
Level = Literal["debug", "info", "warning", "error"]


class Effect(StrEnum):
    """What a node does beyond computing. What acts runs one after another, behind a durable journal."""

    READS_MARKET = "reads_market"
    READS_STATE = "reads_state"
    TRADES = "trades"
    WRITES = "writes"
    NETWORK = "network"
    STARTS = "starts"


ACTING = frozenset({Effect.TRADES, Effect.WRITES, Effect.NETWORK, Effect.STARTS})


class Tier(StrEnum):
    BASIC = "basic"
    PRO = "pro"


class Kind(StrEnum):
    """How the compiler writes a node: a task, or one of the states that are more than a task."""

    TASK = "task"
    TRIGGER = "trigger"
    WAIT = "wait"
    LOOP = "loop"


@dataclass(frozen=True, slots=True)
class Port:
    name: str
    title: str


MAIN = (Port("main", "Output"),)
TRUE_FALSE = (Port("true", "True"), Port("false", "False"))
ERROR_PORT = "error"


@dataclass(frozen=True, slots=True)
class Example:
    """A working use: `config` for the node, standing behind `inputs` (outputs of its sources, by type name)."""

    title: str
    config: Mapping[str, Any]
    inputs: Mapping[str, Any] = field(default_factory=dict)


class NodeConfig(BaseModel):
    """Base of every config model. Any field may hold an expression in the document; here all have their values."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_not_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and info.field_name is not None:
            allowed = str(cls.model_fields[info.field_name].annotation)
            if "bool" not in allowed and "Any" not in allowed:
                raise ValueError("true/false is not a value this field takes")
        return value


class NodeOutput(BaseModel):
    """Base of every output model: JSON with the field's own terms; times are RFC 3339 in UTC."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, defer_build=True)


def setting(
    default: Any = ...,
    *,
    title: str,
    help: str,
    unit: str | None = None,
    widget: str | None = None,
    static: bool = False,
    advanced: bool = False,
    show_if: Mapping[str, Any] | None = None,
    examples: Sequence[Any] = (),
    **bounds: Any,
) -> Any:
    """A config field. `static` fields take no expression; `advanced` ones have a good value already, and a simple form
    folds them away; `show_if` maps another field to the values that show this."""
    extra: dict[str, Any] = {"static": static} | ({"advanced": True} if advanced else {})
    for key, value in {"unit": unit, "widget": widget, "show_if": show_if}.items():
        if value is not None:
            extra[key] = dict(value) if isinstance(value, Mapping) else value
    return Field(
        default, title=title, description=help, examples=list(examples) or None, json_schema_extra=extra, **bounds
    )


def input_setting(default: Any = ..., *, title: str, help: str, **options: Any) -> Any:
    """A config field that, left unset, takes `input.<field>` from what is connected."""
    made = setting(default, title=title, help=help, **options)
    made.json_schema_extra["input"] = True
    return made


@dataclass(frozen=True, slots=True)
class Emit:
    """An output on a port other than `main`."""

    port: str
    output: "NodeOutput"


@dataclass(frozen=True, slots=True)
class Source:
    """One incoming connection as it settled. `output` is None unless `live`."""

    node: str
    port: str
    live: bool
    output: Any


@dataclass(frozen=True, slots=True)
class Credential:
    """What a stored credential holds, decrypted for one task. `fields` are texts by name, as its kind declares them.

    Neither `repr` nor `str` shows a value.
    """

    id: str
    kind: str
    fields: Mapping[str, str] = field(repr=False)


class NodeContext(Protocol):
    """What a running node may use."""

    execution_id: str
    workflow_id: str
    workflow_version: str
    node_id: str
    iteration: tuple[int, ...]
    as_of: datetime
    started_at: datetime
    first_at: datetime | None
    """Of a node that acts: when it was first tried, by the account's market; a person's retry begins anew. None where
    nobody knows."""
    account: str
    test_mode: bool
    user_id: str
    payload: Mapping[str, Any]
    sources: Sequence[Source]
    warmup_bars: int
    """For a node that gives bars: how many more the hungriest indicator downstream needs before them."""

    def broker(self, account: str | None = None) -> "Broker":
        """The account's broker; the workflow's own account when none is named."""
        ...

    def bars(self, reference: "BarsReference") -> "Bars": ...

    def keep_bars(self, bars: "Bars") -> str:
        """Keep bars that are not the broker's; the answer is the `content` of references that stand for them."""
        ...

    def credential(self, reference: str | None) -> Credential:
        """The stored credential this node's own configuration names.

        Raises `CredentialProblem` when none is named, it is of no use here, or it is not this node's to ask for, and
        `NotFound` when it is gone; both name `config.credential`.
        """
        ...

    def log(self, message: str, *, level: Level = "info", **fields: Any) -> None: ...

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Tell whoever watches how far the node is: `done` of `total` steps, None where that is not known. Call it as
        often as you like: what comes faster than ten times a second is left out, the last step never. Raises
        `ExecutionStopped` as `check_stopped` does."""
        ...

    def check_stopped(self) -> None:
        """Call now and then in a long calculation or wait: raises `ExecutionStopped` once somebody stopped the
        execution. Costs next to nothing, and asks nobody; before an effect call `before_acting`."""
        ...

    def before_acting(self) -> None:
        """Call before every effect: raises `ExecutionStopped` when this execution may not act any more."""
        ...

    def client_order_id(self) -> str: ...

    def http(self) -> "Http":
        """The way out to public servers. Every request is an effect: `before_acting` first."""
        ...

    def mail(self) -> "Mail": ...

    def notify(self, level: Literal["info", "success", "warning", "error"], title: str, message: str) -> str: ...

    @property
    def variables(self) -> "Variables":
        """What is remembered between runs. A write that must happen once takes `client_order_id()` as its effect."""
        ...

    @property
    def models(self) -> "ModelStore":
        """Trained and uploaded models. Keeping one is no effect: it follows from its bars. Test mode keeps none."""
        ...

    @property
    def database(self) -> "TenantDatabase":
        """The tenant's own tables. A write takes `client_order_id()` as its effect."""
        ...

    @property
    def sub_workflows(self) -> "SubWorkflows":
        """Other workflows, run on this execution's behalf."""
        ...

    def evaluate(self, expression: str, **names: Any) -> Any:
        """Evaluate an expression the node keeps as text (a transform's rule), with more names in scope."""
        ...


class Node(ABC):
    """A node type. Subclasses declare the class attributes and `run`; they hold no state."""

    type: ClassVar[str]
    version: ClassVar[int] = 1
    title: ClassVar[str]
    description: ClassVar[str]
    help: ClassVar[str]
    icon: ClassVar[str]
    tier: ClassVar[Tier] = Tier.PRO
    kind: ClassVar[Kind] = Kind.TASK
    effects: ClassVar[frozenset[Effect]] = frozenset()
    only_reduces: ClassVar[bool] = False
    """Of a node that trades: whether it can only take risk away, so that it works while the account reduces."""
    ports: ClassVar[tuple[Port, ...]] = MAIN
    default_join: ClassVar[Join] = "any"
    errors: ClassVar[tuple[builtins.type[TradeloomError], ...]] = ()
    timeout_s: ClassVar[int] = 10
    example: ClassVar[Example]

    Config: ClassVar[builtins.type[NodeConfig]]
    Output: ClassVar[builtins.type[NodeOutput]]

    @classmethod
    def category(cls) -> str:
        return cls.type.partition(".")[0]

    @classmethod
    def memory(cls, config: Mapping[str, Any]) -> int:
        """Bars that must stand before the first wanted one for the start of history not to matter.

        `config` is the raw one: a field that holds an expression has no value yet and counts as its worst case.
        """
        return 0

    @classmethod
    def max_iterations_of(cls, config: Mapping[str, Any]) -> int:
        """For a loop: the most iterations its raw configuration can lead to."""
        raise NotImplementedError(f"{cls.type} is no loop")

    @classmethod
    def isolates_items(cls, config: Mapping[str, Any]) -> bool:
        """For a loop: whether an item that fails is reported and the next one runs. `config` is the raw one."""
        return False

    @classmethod
    def wiring_problem(cls, config: Mapping[str, Any], ports: Sequence[str]) -> str | None:
        """What is wrong with what leads into the node, as a sentence; asked when a document is saved.

        `config` is the raw one; `ports` are the source ports of the incoming connections.
        """
        return None

    @classmethod
    def acts(cls) -> bool:
        """Whether running it twice could do something twice: such nodes run one after another."""
        return bool(cls.effects & ACTING)

    @classmethod
    def at_most_once(cls, config: Mapping[str, Any]) -> bool:
        """Whether what it sends must not be sent again while nobody knows whether it took effect. `config` is the raw
        one; orders are not asked about here, they are known by their id."""
        return False

    @abstractmethod
    def run(self, config: Any, context: NodeContext) -> NodeOutput | Emit:
        """Give the output, on `main` or on the port of an `Emit`. Raises one of `errors`."""
