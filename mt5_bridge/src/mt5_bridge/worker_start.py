"""What the front knows of a worker process: where it begins, and how their messages begin.

The front starts workers and does none of their work, so nothing of what only they need is loaded with this.
"""

import struct
from multiprocessing.connection import Connection

REQUEST_HEAD = struct.Struct("!QBB")
ANSWER_HEAD = struct.Struct("!QBH")


def main(connection: Connection, settings_json: str, directory: str, log_level: str, news: Connection) -> None:
    """The process; see `worker.main`."""
    from mt5_bridge import worker

    worker.main(connection, settings_json, directory, log_level, news)
