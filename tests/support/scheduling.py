"""Which test files a worker of `pytest -n` takes together."""

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

ONE_WORKERS = ("tests/infra/",)
"""Folders whose files share what takes half a minute to make: the cloud's synthesis."""


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """A file stays on one worker, and so does a folder of `ONE_WORKERS`."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return next((folder for folder in ONE_WORKERS if file.startswith(folder)), file)
