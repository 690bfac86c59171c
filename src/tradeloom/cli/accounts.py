"""`tradeloom accounts`, `kill` and `resume`: how the accounts stand, the kill switch, and the word that lifts it."""

import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from tradeloom.cli.output import Exit, err, out, plain_table, say_json, stop
from tradeloom.cli.running import Running
from tradeloom.errors import InvalidInput

_COLOURS: Final = {"active": "green", "reducing": "yellow", "halted": "bold red"}
_LOOK_S: Final = 0.5
_SHOWN: Final = 20


def show(*, home: Path | None, as_json: bool) -> None:
    accounts = Running(home).get("accounts")["items"]
    if as_json:
        say_json(accounts)
        return
    table = plain_table(
        "account", "state", "since", "by", "reason", "positions", "orders", "equity", "lost today", "drawdown"
    )
    for each in accounts:
        table.add_row(
            Text(each["name"], "cyan"), _state(each), _moment(each["state_since"]), each["state_by"] or "",
            Text(each["state_reason"] or ""), _count(each["positions"]), _count(each["orders"]), _money(each),
            _percent(each["day"], "loss_pct"), _percent(each["day"], "drawdown_pct"),
        )  # fmt: skip
    out.print(table)
    for each in accounts:
        if each["flatten"] and each["flatten"]["status"] == "running":
            _say_flatten(each["name"], each["flatten"])
        for slow in each["throttled"]:
            told = f"{each['name']}: workflow {slow['workflow_id']} opens nothing since {_moment(slow['at'])}"
            why = f"{slow['message']}. A person lifts it: tradeloom resume {each['name']} --workflow …"
            out.print(Text.assemble(("! ", "yellow"), f"{told}: {why}"), soft_wrap=True)
        if each["undelivered"]:
            wish = each["undelivered"]
            why = f"{wish['mode']}: {wish['reason']}"
            told = f"{wish['by']} asked to stop it ({why}); its bridge is told until it confirms it"
            out.print(Text.assemble(("! ", "bold red"), f"{each['name']}: {told}"), soft_wrap=True)
        if each["detail"]:
            out.print(Text.assemble(("! ", "yellow"), f"{each['name']}: {each['detail']}"), soft_wrap=True)


def kill(
    account: str | None, *, everything: bool, workflow: str | None, mode: str, reason: str, wait_s: float,
    home: Path | None, as_json: bool,
) -> None:  # fmt: skip
    if sum((account is not None, everything, workflow is not None)) != 1:
        raise InvalidInput(
            "Say what to stop: one account, --all of them, or one --workflow.",
            field="ACCOUNT",
            hint="`tradeloom accounts` lists them. Such as: tradeloom kill paper --reason 'the news went wrong'",
        )
    running = Running(home)
    if workflow is not None:
        _say_workflow(running.post("workflows", workflow, "kill"), as_json=as_json)
        return
    wanted = {"mode": mode, "reason": reason}
    path = ("accounts", "kill") if account is None else ("accounts", account, "kill")
    told = running.post(*path, body=wanted)
    names = [each["name"] for each in told["items"]]
    if not as_json:
        for each in told["items"]:
            out.print(Text.assemble(("■ ", "bold red"), (each["name"], "cyan"), " is ", _state(each), _why(each)))
        out.print(f"  {told['stopped']} executions are stopped")
    if mode == "flatten":
        told["items"] = _watched(running, names, wait_s, quiet=as_json)
    if as_json:
        say_json(told)
    else:
        out.print("[dim]  only a person lifts it: tradeloom resume ACCOUNT --reason …[/]")
    if mode == "flatten" and any(each["flatten"]["status"] != "flat" for each in told["items"]):
        stop(Exit.FAILED)


def resume(
    account: str, *, workflow: str | None, reason: str, acknowledge: str | None, home: Path | None, as_json: bool
) -> None:
    """The account, or only a workflow that its gate throttled. A live account takes what a person typed for it."""
    wanted = {"reason": reason, "workflow_id": workflow, "acknowledgement": acknowledge}
    body = {name: value for name, value in wanted.items() if value is not None}
    try:
        told = Running(home).post("accounts", account, "resume", body=body)
    except InvalidInput as error:
        if error.field != "acknowledgement":
            raise
        from tradeloom.api.models.accounts import live_phrase

        raise InvalidInput(
            error.message, field="--acknowledge", hint=f"If it may: --acknowledge {shlex.quote(live_phrase(account))}"
        ) from error
    if as_json:
        say_json(told)
        return
    if workflow is not None:
        out.print(Text.assemble(("✓ ", "green"), (workflow, "cyan"), f" may open orders on {account} again"))
        return
    out.print(Text.assemble(("✓ ", "green"), (account, "cyan"), " is ", _state(told), _why(told)))
    out.print("[dim]  what was stopped stays stopped; triggers start workflows again[/]")


def _watched(running: Running, names: Sequence[str], wait_s: float, *, quiet: bool) -> list[dict[str, Any]]:
    """The accounts once each is flat, or as far as they have come when the waiting ends."""
    give_up = time.monotonic() + wait_s
    while True:
        accounts = [running.get("accounts", name) for name in names]
        unfinished = [each for each in accounts if each["flatten"] and each["flatten"]["status"] == "running"]
        if not unfinished or time.monotonic() >= give_up:
            break
        time.sleep(_LOOK_S)
    if not quiet:
        for each in accounts:
            _say_flatten(each["name"], each["flatten"])
    return accounts


def _say_flatten(account: str, flatten: Mapping[str, Any]) -> None:
    done = f"{flatten['closed']} positions closed, {flatten['cancelled']} orders cancelled"
    if flatten["status"] == "flat":
        out.print(Text.assemble(("✓ ", "green"), (account, "cyan"), f" is flat: {done}"))
    else:
        left = "not looked at yet" if flatten["left"] is None else f"{flatten['left']} left"
        out.print(Text.assemble(("… ", "yellow"), (account, "cyan"), f" is being flattened: {done}, {left}"))
        table = plain_table("", "ticket", "symbol", "side", "lots", "why it is still there")
        for each in flatten["remaining"][:_SHOWN]:
            why = Text(each["trouble"] or "not tried yet")
            table.add_row(each["kind"], str(each["ticket"]), each["symbol"], each["side"], str(each["volume"]), why)
        if flatten["remaining"]:
            out.print(table)
        out.print("[dim]  it goes on by itself; `tradeloom accounts` shows how far it is[/]")
    if flatten["trouble"]:
        err.print(Text.assemble(("! ", "yellow"), flatten["trouble"]), soft_wrap=True)


def _say_workflow(told: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(told)
        return
    out.print(Text.assemble(("■ ", "bold red"), (told["id"], "cyan"), " is inactive: no trigger starts it"))
    out.print(f"  {told['stopped']} executions are stopped; its positions stay as they are")


def _state(account: Mapping[str, Any]) -> Text:
    state = account["state"]
    return Text(state or "unknown", _COLOURS.get(state, "dim"))


def _why(account: Mapping[str, Any]) -> str:
    return f" (by {account['state_by']}: {account['state_reason']})" if account["state_by"] else ""


def _moment(text: str | None) -> str:
    return "" if text is None else f"{text[:10]} {text[11:19]} UTC"


def _count(number: int | None) -> str:
    return "?" if number is None else str(number)


def _percent(day: Mapping[str, Any] | None, name: str) -> str:
    value = None if day is None else day[name]
    return "?" if value is None else f"{value:.2f} %"


def _money(account: Mapping[str, Any]) -> str:
    equity = account["equity"]
    return "?" if equity is None else f"{equity:,.2f} {account['currency']}"
