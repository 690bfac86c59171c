"""How workers are started and what they may use."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

WORKER_SERVICES: Final = "tradeloom.engine.worker_services:services"
FILE_BLOBS: Final = "tradeloom.storage.blobs:FileBlobs"
TENANT_DATABASE: Final = "tradeloom.storage.tenants.database:PostgresTenantDatabase"
_KEPT_FROM_PARENT: Final = ("PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """`least` workers are kept warm, up to `most` are started under load and let go after `idle_s`.

    `paths` are put in front of a worker's `sys.path` (where `functions` lies); `handlers` is the package that stands in
    for `functions.nodes`; `preload` are modules imported before the first task. `services` and `blobs` name, as
    `module:name`, the worker's services and the class that reads `blob_directory`.

    Limits for one worker: CPU seconds for each task, open files, the largest file it may write, and address space
    (None: unlimited, since numerical libraries reserve far more than they use).
    """

    paths: tuple[Path, ...] = ()
    handlers: str = "functions.nodes"
    preload: tuple[str, ...] = ()
    services: str = WORKER_SERVICES
    blobs: str = FILE_BLOBS
    database: str = TENANT_DATABASE
    blob_directory: Path | None = None
    bridge_state: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    least: int = 2
    most: int = 8
    idle_s: float = 60.0
    start_s: float = 20.0
    longest_task_s: float = 900.0
    cpu_s: int = 60
    open_files: int = 256
    file_bytes: int = 256 * 1024 * 1024
    memory_bytes: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most:
            raise ValueError(f"least ({self.least}) and most ({self.most}) workers do not fit together")

    def given_to(self, descriptor: int) -> dict[str, str]:
        """The environment of a worker whose socket is this descriptor: only what a handler needs, nothing of the
        engine's own, its secrets least of all."""
        environment = {name: os.environ[name] for name in _KEPT_FROM_PARENT if name in os.environ}
        environment |= {
            "TRADELOOM_SERVICES": self.services,
            "TRADELOOM_BLOBS": self.blobs,
            "TRADELOOM_DATABASE": self.database,
            "TRADELOOM_BLOB_DIRECTORY": str(self.blob_directory or ""),
            "TRADELOOM_BRIDGE_STATE": str(self.bridge_state or ""),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            **self.environment,
        }
        environment["TRADELOOM_WORKER"] = json.dumps(
            {
                "fd": descriptor,
                "parent": os.getpid(),
                "paths": [str(path) for path in self.paths],
                "handlers": self.handlers,
                "preload": list(self.preload),
                "cpu_s": self.cpu_s,
                "open_files": self.open_files,
                "file_bytes": self.file_bytes,
                "memory_bytes": self.memory_bytes,
            }
        )
        return environment
