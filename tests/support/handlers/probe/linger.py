"""A handler that takes its time, in the way its payload names. It writes what it came to into the file `world`."""

import time
from pathlib import Path
from typing import Any

from tradeloom.engine.workers import channel
from tradeloom.errors import ExecutionStopped
from tradeloom.network.client import GuardedHttp
from tradeloom.network.messages import HttpRequest
from tradeloom.network.policy import Policy
from tradeloom.stopping import check


def handler(event: Any, context: Any) -> Any:
    how, world = event["how"], Path(event["world"])
    end = time.monotonic() + event.get("s", 60)
    if how == "hands_in":
        channel.current().ask("may_act", {"node": event["node"]})
    if how != "get":  # there the server says when the request has come
        (world / "begun").touch()
    if how == "get":
        policy = Policy.of({"TRADELOOM_NETWORK_ALLOW": event["server"]})
        request = HttpRequest(
            event["method"], f"http://{event['server']}/", repeatable=event["method"] == "GET", timeout_s=60
        )
        GuardedHttp(policy).send(request)
    elif how == "checks":
        while time.monotonic() < end:
            check()
    elif how == "stubborn":
        while time.monotonic() < end:
            pass
    elif how == "hands_in":
        time.sleep(event["s"])
        (world / "handed_in").touch()
    elif how == "acts_late":
        try:
            while time.monotonic() < end:
                time.sleep(0.01)
                check()
        except ExecutionStopped:
            channel.current().ask("may_act", {"node": event["node"]})
            (world / "acted").touch()
    return {"state": "succeeded", "port": "main", "output": {"how": how}}
