"""A handler that takes its node's credential and gives it away in the way its payload names."""

import gc
import logging
import os
import sys
import threading
import time
import warnings
from typing import Any

from tests.support.canaries import encoded
from tradeloom.engine.workers import channel
from tradeloom.errors import BrokerUnavailable
from tradeloom.runtime.observability import emit
from tradeloom.runtime.services import Notification, current


def handler(event: Any, context: Any) -> Any:
    if event["how"] == "look":
        return _kept(event["halves"])
    given = current().credential(None, event["node"], event["credential"])  # type: ignore[arg-type]
    forms = [form for secret in given.secrets for form in encoded(secret).values()]
    return WAYS[event["how"]](event, given, forms)


def say(event: Any, given: Any, forms: list[str]) -> Any:
    for form in forms:
        emit({"level": "info", "message": f"it is {form}", "node": event["node"], "field": form, form: 1})
        emit({"level": "warning", "message": "not json", "thing": {form, 1}})
        print(form)
        print(form, file=sys.stderr)
        for character in form:
            sys.stdout.write(character)
        sys.stdout.write("\n")
    print("x" * 32_760 + forms[0])
    logging.getLogger("node").warning("logged %s", forms[0])
    warnings.warn(f"warned of {forms[0]}", stacklevel=1)
    thread = threading.Thread(target=print, args=(f"from a thread {forms[0]}",))
    thread.start()
    thread.join()
    fault = threading.Thread(target=lambda: {}[forms[0]])  # type: ignore[index]
    fault.start()
    fault.join()
    for form in forms:
        os.write(1, f"past python {form}\n".encode())
    os.write(2, b"y" * 8_180 + forms[0].encode() + b"\n")
    os.write(1, forms[0][:10].encode())
    time.sleep(0.05)
    os.write(1, forms[0][10:].encode() + b"\n")
    time.sleep(0.2)  # the pipe is read beside the socket
    return {"state": "succeeded", "port": "main", "output": {"said": len(forms)}}


def give(event: Any, given: Any, forms: list[str]) -> Any:
    current().store_blob(repr(forms).encode())
    current().store_blob("\n".join(forms).encode())
    nested = {form: [form, {"deep": f"around {form} it"}] for form in forms}
    return {"state": "succeeded", "port": "main", "output": {"forms": nested, "kind": given.credential.kind, "n": 1.5}}


def notify(event: Any, given: Any, forms: list[str]) -> Any:
    notification = Notification(
        id=event["id"], execution_id=event["execution_id"], workflow_id="w1", node_id="n", level="info",
        title=forms[0], message=" / ".join(forms),
    )  # fmt: skip
    current().notify(notification)
    return {"state": "succeeded", "port": "main", "output": "\n".join(forms)}


def fail(event: Any, given: Any, forms: list[str]) -> Any:
    try:
        raise KeyError(forms[0])
    except KeyError as error:
        raise ValueError(" ".join(forms)) from error


def typed(event: Any, given: Any, forms: list[str]) -> Any:
    raise BrokerUnavailable(" ".join(forms), hint=forms[0])


def named(event: Any, given: Any, forms: list[str]) -> Any:
    from pydantic import TypeAdapter

    TypeAdapter(int).validate_python(forms[0] * 3)


def die(event: Any, given: Any, forms: list[str]) -> Any:
    for form in forms:
        os.write(2, f"last words {form}\n".encode())
    os._exit(3)


def leave(event: Any, given: Any, forms: list[str]) -> Any:
    sys.exit(forms[0])


def ask(event: Any, given: Any, forms: list[str]) -> Any:
    channel.current().ask("variables.write", {"scope": "shared", "key": forms[0][:100], "value": forms})
    channel.current().ask(f"no such question {forms[0]}", {"body": forms})


WAYS = {
    "say": say, "give": give, "notify": notify, "fail": fail, "typed": typed, "named": named, "die": die,
    "leave": leave, "ask": ask,
}  # fmt: skip


def _kept(halves: list[str]) -> list[str]:
    """Where this process still holds the text that the halves make, other than here."""
    sought = "".join(halves)
    gc.collect()
    found = []
    for held in gc.get_objects():
        values = held.values() if type(held) is dict else held if type(held) in (list, tuple, set) else ()
        try:
            found += [type(held).__name__ for each in list(values) if type(each) is str and sought in each]
        except RuntimeError:
            continue
    return [*found, "the redactor"] if channel.current().redactor.knows_any else found
