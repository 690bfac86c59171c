"""`tradeloom limits`: what accounts and their workflows may risk, how near they are to it, and changing it."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from rich.text import Text

from tradeloom.api.models.limits import LimitsChange
from tradeloom.cli.output import out, plain_table, say_json
from tradeloom.cli.running import Running
from tradeloom.errors import BrokerUnavailable, InvalidInput
from tradeloom.trading.limit_changes import refusal

_ABOUT: Final[Mapping[str, tuple[str, str]]] = {
    "max_lot": ("lots", "volume of one order"),
    "max_notional": ("money", "worth of one order"),
    "max_symbol_exposure": ("money", "worth of what is held and ordered in one symbol"),
    "max_exposure": ("money", "worth of what is held and ordered in all symbols"),
    "min_margin_level_pct": ("%", "equity in percent of margin, at least"),
    "max_price_distance_pct": ("%", "of an order's price from the quote"),
    "max_price_age_s": ("s", "age of the quote an order is based on"),
    "max_orders_per_minute": ("", "opening orders in a minute"),
    "max_repeats": ("", "orders of one workflow, symbol and direction within repeat_window_s"),
    "repeat_window_s": ("s", "what max_repeats is counted in"),
    "max_daily_loss_pct": ("%", "lost of the equity the day began with: nothing opens until the next day"),
    "max_drawdown_pct": ("%", "below the highest equity: the account is halted"),
}
"""Unit and meaning, in the order shown."""


def show(account: str | None, *, home: Path | None, as_json: bool) -> None:
    running = Running(home)
    accounts = running.get("accounts")["items"] if account is None else [running.get("accounts", account)]
    if account is not None and accounts[0]["limits"] is None:
        raise BrokerUnavailable(f"The limits of {account} cannot be read: {accounts[0]['detail']}")
    if as_json:
        found = [{key: each[key] for key in ("name", "limits", "day", "throttled")} for each in accounts]
        say_json(found if account is None else found[0])
        return
    for number, each in enumerate(accounts):
        if number:
            out.print()
        _say_account(each)


def change(account: str, words: Sequence[str], *, reason: str, clear: bool, home: Path | None, as_json: bool) -> None:
    running = Running(home)
    body = {"limits": _sound(_changes(words)), "reason": reason, "clear": clear}
    before = running.get("accounts", account, "limits")
    after = running.put("accounts", account, "limits", body=body)
    if as_json:
        say_json(after)
        return
    old, new = _flat(before["limits"]), _flat(after["limits"])
    changed = [name for name in {**new, **old} if old.get(name) != new.get(name)]
    if not changed:
        out.print(Text.assemble("the limits of ", (account, "cyan"), " are as they were"))
        return
    out.print(Text.assemble(("✓ ", "green"), "the limits of ", (account, "cyan"), " hold from the next order on"))
    table = plain_table("limit", "before", "now")
    for name in changed:
        table.add_row(Text(name, "cyan"), Text(_said(old.get(name))), Text(_said(new.get(name)), "bold"))
    out.print(table)


def _say_account(account: Mapping[str, Any]) -> None:
    limits = account["limits"]
    out.print(Text.assemble((account["name"], "bold cyan"), f"  {account['state'] or 'unknown'}"))
    if limits is None:
        out.print(Text.assemble(("! ", "yellow"), account["detail"]), soft_wrap=True)
        return
    out.print(Text(f"opens only {', '.join(limits['symbols'])}"), soft_wrap=True)
    out.print(_losses(account["day"], limits), soft_wrap=True)
    own: Mapping[str, Any] = limits["workflows"]
    table = plain_table("limit", "account", "each workflow", *own, "what it bounds")
    for column in table.columns[1:-1]:
        column.justify = "right"
    for name, (unit, meaning) in _ABOUT.items():
        shown = (account["currency"] or "") if unit == "money" else unit
        values = [_said(each.get(name), shown) for each in (limits, limits["workflow"], *own.values())]
        table.add_row(Text(name, "cyan"), *map(Text, values), Text(meaning, "dim"))
    out.print(table)
    for slow in account["throttled"]:
        out.print(Text.assemble(("! ", "yellow"), f"workflow {slow['workflow_id']} opens nothing: {slow['message']}"))


def _losses(day: Mapping[str, Any] | None, limits: Mapping[str, Any]) -> Text:
    if day is None or day["loss_pct"] is None:
        return Text("its losses are not known at the moment", "dim")
    told = Text()
    for words, lost, most in (
        ("lost today ", day["loss_pct"], limits["max_daily_loss_pct"]),
        (" · below its highest equity ", day["drawdown_pct"], limits["max_drawdown_pct"]),
    ):
        style = "bold red" if lost >= most else "yellow" if lost >= most / 2 else "green"
        told.append(words).append(f"{lost:.2f} %", style).append(f" of {_said(most)} %")
    return told


def _said(value: Any, unit: str = "") -> str:
    """A limit as a person reads it: `60,000 USD`. Nothing for one that is not there."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(value)
    return f"{Decimal(str(value)).normalize():,f} {unit}".rstrip()


def _flat(limits: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in limits.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def _changes(words: Iterable[str]) -> dict[str, Any]:
    """What the API wants of `max_lot=0.5 workflow.max_lot=0.2 workflows.wf-1=none`."""
    changes: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise InvalidInput(
                f"{word!r} is no LIMIT=VALUE.",
                field=name or "LIMIT=VALUE",
                hint="Such as max_lot=0.5, or workflow.max_lot=0.2 for each workflow. `tradeloom limits` lists them.",
            )
        place, last = _place(changes, name, value)
        if last in place:
            raise InvalidInput(f"{name} is given twice.", field=name)
        place[last] = _value(name, value)
    return changes


def _sound(changes: dict[str, Any]) -> dict[str, Any]:
    """Raises `InvalidInput` with what a limit may be."""
    try:
        TypeAdapter(LimitsChange).validate_python(changes)
    except ValidationError as error:
        raise refusal(error) from error
    return changes


def _place(changes: dict[str, Any], name: str, value: str) -> tuple[dict[str, Any], str]:
    """Where in the nested changes a limit belongs, and under which name. The id of a workflow may hold dots."""
    group, dot, rest = name.partition(".")
    if not dot:
        if group in ("workflow", "workflows"):
            raise InvalidInput(
                f"{name} is no limit but has some.",
                field=name,
                hint="Such as workflow.max_lot or workflows.ID.max_lot.",
            )
        return changes, name
    if value.lower() == "none" and name.rpartition(".")[2] in _ABOUT:
        raise InvalidInput(f"{name} cannot be none: every limit is set.", field=name)
    place = changes.setdefault(group, {})
    if group != "workflows" or value.lower() == "none":
        return place, rest
    workflow, dot, last = rest.rpartition(".")
    if not dot:
        raise InvalidInput(f"{name} names no limit.", field=name, hint=f"Such as workflows.{rest}.max_lot=0.1")
    own = place.setdefault(workflow, {})
    if own is None:
        raise InvalidInput(f"workflows.{workflow} is to have no limits of its own.", field=name)
    return own, last


def _value(name: str, value: str) -> Any:
    if name == "symbols":
        return [each.strip() for each in value.split(",") if each.strip()]
    return None if name.startswith("workflows.") and value.lower() == "none" else value
