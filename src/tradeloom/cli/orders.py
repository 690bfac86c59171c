"""`tradeloom orders`: those nobody knows the fate of, and a person's word on one that waits for it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from tradeloom.cli.output import out, plain_table, say_json
from tradeloom.cli.running import Running
from tradeloom.errors import InvalidInput

OPEN: Final = ("intended", "unknown", "manual")
STATES: Final = (*OPEN, "withdrawn", "done", "partial", "placed", "cancelled", "expired", "rejected", "not_sent")
TICKETS: Final = ("order", "deal", "position")
_COLOURS: Final = {"manual": "bold red", "unknown": "yellow", "intended": "dim", "done": "green", "placed": "green"}


def listing(states: Sequence[str], *, everything: bool, limit: int, home: Path | None, as_json: bool) -> None:
    wrong = [state for state in states if state not in STATES]
    if wrong:
        raise InvalidInput(
            f"{wrong[0]!r} is no state of an order.", field="--state", hint=f"Known are {', '.join(STATES)}."
        )
    wanted = () if everything else states or OPEN
    found = Running(home).get("orders", query={"state": list(wanted), "limit": str(limit)})
    if as_json:
        say_json(found)
        return
    table = plain_table("order", "state", "what", "account", "execution", "since", "message")
    for each in found["items"]:
        table.add_row(
            Text(each["id"], "cyan"), _state(each), Text(each["what"]), each["account"], each["execution_id"],
            f"{each['created_at'][:10]} {each['created_at'][11:19]} UTC", Text(each["message"]),
        )  # fmt: skip
    out.print(table if found["items"] else "[dim]none" + ("[/]" if everything or states else " is open[/]"))
    if any(each["state"] == "manual" for each in found["items"]):
        out.print("[dim]look at the broker, then: tradeloom orders settle ORDER --not-sent | --position TICKET[/]")


def settle(
    order: str, *, not_sent: bool, tickets: Mapping[str, int | None], reason: str, home: Path | None, as_json: bool
) -> None:
    named = {kind: ticket for kind, ticket in tickets.items() if ticket is not None}
    if not_sent + len(named) != 1:
        raise InvalidInput(
            "Say what became of it: --not-sent, or one of --order, --deal, --position with the broker's ticket.",
            field="ORDER",
            hint="Look at the broker first: an order that is called not sent although it was, leaves a position "
            "nobody watches.",
        )
    kind, ticket = next(iter(named.items()), ("not_sent", None))
    body = {"decision": kind, "reason": reason} | ({} if ticket is None else {"ticket": ticket})
    told = Running(home).post("orders", order, "settle", body=body)
    if as_json:
        say_json(told)
        return
    out.print(Text.assemble(("✓ ", "green"), f"{told['what']}: ", _state(told), f"  {told['message']}"))


def _state(order: Mapping[str, Any]) -> Text:
    return Text(order["state"].replace("_", " "), _COLOURS.get(order["state"], ""))
