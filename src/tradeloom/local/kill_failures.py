"""What a person is told of a kill, or a resume, that a bridge did not confirm."""

from typing import Final

from tradeloom.engine.kill_wishes import KillWish
from tradeloom.errors import Conflict, InvalidInput, NotFound, TradeloomError

REFUSALS: Final = (Conflict, InvalidInput, NotFound)
"""What a bridge that is well says to a kill it will never do. Anything else leaves open whether it was told."""


def incomplete(failures: dict[str, TradeloomError], stopped: int, *, of: int) -> TradeloomError:
    """The first failure, with what was done all the same."""
    first = next(iter(failures.values()))
    names = ", ".join(failures)
    if isinstance(first, Conflict):
        hint = "It is stopped more strictly than that. Resume it first, once you know why it was."
        return Conflict(f"{names}: {first.message}.", field="mode", hint=hint)
    if isinstance(first, REFUSALS):
        done = f" The other {of - len(failures)} are stopped." if of > len(failures) else ""
        return type(first)(f"{names}: {first.message}.{done}", field=first.field, hint=first.hint)
    return type(first)(
        f"The bridge could not be told to stop {names}: {first.message.rstrip('.')}.",
        hint=f"{stopped} executions were stopped here, and the bridge is told until it confirms it, also "
        "after a restart of Tradeloom; nothing starts on the account meanwhile. "
        "Orders and positions at the broker are as they were: look there.",
    )


def only_withdrawn(wish: KillWish, error: TradeloomError) -> TradeloomError:
    return type(error)(
        f"What {wish.by} wished ({wish.mode}) is withdrawn, and the bridge cannot be told to resume {wish.account}: "
        f"{error.message}",
        hint="Nothing starts on the account until the bridge answers; then it stands as it stood there. Resume it "
        "again if that is halted.",
    )
