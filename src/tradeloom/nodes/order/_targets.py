"""Which positions or orders a node acts on: one by its ticket, or those in a symbol."""

from typing import TYPE_CHECKING, Any, Literal, Protocol

from tradeloom.errors import NodeConfigError
from tradeloom.nodes.base import setting
from tradeloom.nodes.market._broker import SYMBOL_LENGTH, positions_in

if TYPE_CHECKING:
    from tradeloom.trading.broker import Broker, Position

BY_SYMBOL = {"by": ["symbol"]}


class PositionChoice(Protocol):
    """The settings by which a node's configuration says which positions it means."""

    @property
    def ticket(self) -> int | None: ...
    @property
    def symbol(self) -> str | None: ...
    @property
    def scope(self) -> Literal["own", "all"]: ...
    @property
    def side(self) -> Literal["any", "buy", "sell"]: ...


def ticket_setting(of: str, example: str) -> Any:
    return setting(
        None,
        title="Ticket",
        help=f"The {of}'s ticket.",
        widget="number",
        show_if={"by": ["ticket"]},
        examples=[example],
        gt=0,
        lt=2**63,
    )


def target_symbol_setting(help: str, **options: Any) -> Any:
    return setting(
        None,
        title="Symbol",
        help=help,
        widget="symbol",
        examples=["EURUSD"],
        min_length=1,
        max_length=SYMBOL_LENGTH,
        **options,
    )


def position_scope_setting() -> Any:
    return setting(
        "own",
        title="Whose",
        help="Only positions that orders of this workflow opened, or everybody's, those opened by hand included.",
        widget="select",
        show_if=BY_SYMBOL,
    )


def position_side_setting() -> Any:
    return setting(
        "any",
        title="Side",
        help="Only bought or only sold positions, where an account holds both.",
        widget="select",
        show_if=BY_SYMBOL,
    )


def check_choice(by: str, ticket: int | None, symbol: str | None, *, doing: str, what: str) -> None:
    """Raises `ValueError` for a choice that is not whole: "`doing` by ticket …", "… but `what` by symbol"."""
    if by == "ticket" and ticket is None:
        raise ValueError(f"{doing} by ticket needs the ticket")
    if by == "symbol" and symbol is None:
        raise ValueError(f"{doing} by symbol needs the symbol")
    if by == "symbol" and ticket is not None:
        raise ValueError(f"ticket {ticket} is given, but {what} by symbol: choose one")


def position_of(ticket: int, symbol: str | None, broker: "Broker") -> "Position | None":
    """The position, or None when it is not open. Raises `NodeConfigError` where it is in another symbol than said."""
    held = next((each for each in broker.positions() if each.ticket == ticket), None)
    if held is not None and symbol not in (None, held.symbol):
        raise NodeConfigError(f"position {ticket} is in {held.symbol}, not in {symbol}", field="config.symbol")
    return held


def positions_meant(config: PositionChoice, workflow_id: str, broker: "Broker") -> "list[Position]":
    """The positions in the symbol that the configuration means, the earliest opened first."""
    found = [
        position
        for position in positions_in(broker, config.symbol)
        if config.side in ("any", position.side.value)
        and (config.scope == "all" or position.workflow_id == workflow_id)
    ]
    return sorted(found, key=lambda position: (position.opened_at, position.ticket))
