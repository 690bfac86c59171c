"""A handler with an effect: it makes a file named after its request, as a bridge keeps an order by its id.

Every call leaves a line in `calls`; the effect itself happens once however often it is called.
"""

import os
import time
from typing import Any

from tradeloom.engine.workers import channel


def handler(event: Any, context: Any) -> Any:
    channel.current().ask("may_act", {"node": event["node"]})
    name = context.aws_request_id
    _append(os.path.join(event["world"], "calls"), f"{name}\n")
    time.sleep(event.get("s", 0))
    try:
        os.close(os.open(os.path.join(event["world"], "acts", name), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return {"act": name, "again": True}
    return {"act": name, "again": False}


def _append(path: str, line: str) -> None:
    handle = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(handle, line.encode())
    os.close(handle)
