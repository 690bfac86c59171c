"""How workers are started and what they may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

WORKER_SERVICES: Final = "tradeloom.engine.worker_services:services"
FILE_BLOBS: Final = "tradeloom.storage.blobs:FileBlobs"
TENANT_DATABASE: Final = "tradeloom.storage.tenants.database:PostgresTenantDatabase"


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
