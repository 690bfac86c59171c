"""Where models are kept between runs: shelves of versions among the tenant's variables, their files among the blobs.

A shelf of trained models is a cache: a model follows from the bars and settings it was trained on, so one that is not
found is trained again, the same. A shelf of uploaded models is what a person put there.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tradeloom.errors import Conflict, NotFound

if TYPE_CHECKING:
    from tradeloom.nodes.variables import Variables

SCOPE = "models"
"""Reserved: no node that lets a user name variables reaches it."""

TRAINED = "trained/"
UPLOADED = "uploaded/"
KEPT_VERSIONS = 8
MAX_UPLOADED = 64
"""Most uploaded models (names, not versions) a tenant keeps."""


class ModelRecord(BaseModel):
    """All that is known about one version of a model but its file."""

    model_config = ConfigDict(frozen=True)

    version: str = Field(pattern="^[0-9a-f]{64}$")
    """SHA-256 of the ONNX file."""
    kind: Literal["ridge", "kernel", "uploaded"]
    inputs: str = ""
    """SHA-256 of the bars and settings a trained model follows from."""
    symbol: str | None = None
    timeframe: str | None = None
    horizon: int
    features: tuple[str, ...]
    target: Literal["scaled_return", "log_return"]
    trained_from: AwareDatetime | None = None
    trained_to: AwareDatetime | None = None
    """Close of the last bar the model has seen, in training or as the end of a training target."""
    bars: int = 0
    scores: dict[str, Any] = Field(default_factory=dict)
    file_bytes: int
    added_at: AwareDatetime | None = None


class Shelf(BaseModel):
    """Versions of one model, newest first. `active` is the version a person chose; None: the newest that fits."""

    model_config = ConfigDict(frozen=True)

    active: str | None = None
    versions: tuple[ModelRecord, ...] = ()

    def version(self, wanted: str) -> ModelRecord | None:
        """By its whole SHA-256, or by a beginning that only one version has."""
        found = [record for record in self.versions if wanted and record.version.startswith(wanted)]
        return found[0] if len(found) == 1 else None

    @property
    def chosen(self) -> ModelRecord | None:
        return self.version(self.active) if self.active else None

    @property
    def current(self) -> ModelRecord | None:
        """The chosen version, or the newest."""
        return self.chosen or next(iter(self.versions), None)

    def with_version(self, record: ModelRecord) -> Self:
        """The record goes in front; the oldest beyond `KEPT_VERSIONS` go, never the chosen one."""
        others = [known for known in self.versions if known.version != record.version]
        kept = [record, *others][:KEPT_VERSIONS]
        chosen = self.chosen
        if chosen is not None and all(known.version != chosen.version for known in kept):
            kept[-1] = chosen
        return self.model_copy(update={"versions": tuple(kept)})


class ModelFiles(Protocol):
    """Where the files are: the services of a running node, or the blobs of a machine."""

    def store_blob(self, content: bytes) -> str: ...

    def load_blob(self, sha256: str) -> bytes: ...


class ModelStore:
    """One tenant's models. With `read_only` (test mode) nothing is kept."""

    def __init__(self, variables: "Variables", files: ModelFiles, *, read_only: bool = False) -> None:
        self._variables = variables
        self._files = files
        self._read_only = read_only

    def names(self, prefix: str = "") -> list[str]:
        return self._variables.keys(SCOPE, prefix)

    def shelf(self, name: str) -> Shelf:
        """An empty one where nothing was kept under the name."""
        return _shelf(self._variables.read(SCOPE, name).value)

    def known(self, name: str) -> Shelf:
        """A shelf that holds something. Raises `NotFound`."""
        shelf = self.shelf(name)
        if not shelf.versions:
            raise NotFound(f"There is no model {name!r}.", field="name", hint="`tradeloom models list` shows them.")
        return shelf

    def content(self, record: ModelRecord) -> bytes:
        """The ONNX file. Raises `NotFound`, `StorageUnavailable`."""
        return self._files.load_blob(record.version)

    def keep(self, name: str, record: ModelRecord, content: bytes) -> None:
        """Put a version on its shelf, the file first, so that no record ever names a file that is not there."""
        if self._read_only:
            return
        stored = self._files.store_blob(content)
        if stored != record.version:
            raise Conflict(f"The model's file is {stored}, not {record.version} as its record says.")
        self._change(name, lambda shelf: shelf.with_version(record))

    def promote(self, name: str, version: str | None) -> Shelf:
        """Choose a version (by the beginning of its SHA-256), or with None let the newest be used again.

        Raises `NotFound` for a name or version that is not there.
        """
        shelf = self.known(name)
        found = None if version is None else shelf.version(version)
        if version is not None and found is None:
            hint = "Give enough of the version's SHA-256 that only one begins with it."
            raise NotFound(f"The model {name!r} has no version {version!r}.", field="version", hint=hint)
        return self._change(name, lambda known: known.model_copy(update={"active": found and found.version}))

    def rollback(self, name: str) -> Shelf:
        """Choose the version before the current one. Raises `NotFound` where there is none."""
        shelf = self.known(name)
        versions = [record.version for record in shelf.versions]
        place = versions.index(shelf.current.version) + 1 if shelf.current else 0
        if place >= len(versions):
            raise NotFound(f"The model {name!r} has no earlier version.", field="name")
        return self.promote(name, versions[place])

    def uploaded(self, name_or_version: str) -> ModelRecord:
        """An uploaded model by its name (its current version) or by a version's SHA-256.

        Raises `NotFound`, and `Conflict` where one file was uploaded under names that say different things of it.
        """
        found = self._by_version(name_or_version) if len(name_or_version) == 64 else None
        found = found or self.shelf(UPLOADED + name_or_version).current
        if found is None:
            hint = "`tradeloom models list` shows what was uploaded, `tradeloom models add` uploads one."
            raise NotFound(f"There is no uploaded model {name_or_version!r}.", field="config.model", hint=hint)
        return found

    def _by_version(self, version: str) -> ModelRecord | None:
        shelves = (self.shelf(name) for name in self.names(UPLOADED))
        records = [record for record in (shelf.version(version) for shelf in shelves) if record is not None]
        if len({record.model_dump_json(exclude={"added_at"}) for record in records}) > 1:
            raise Conflict(
                f"The file {version} was uploaded under several names, declared differently.",
                field="config.model",
                hint="Name the model instead.",
            )
        return next(iter(records), None)

    def _change(self, name: str, change: Callable[[Shelf], Shelf]) -> Shelf:
        from tradeloom.nodes.variables import update

        written = update(self._variables, SCOPE, name, lambda value: change(_shelf(value)).model_dump(mode="json"))
        return _shelf(written.value)


def _shelf(value: Any) -> Shelf:
    return Shelf() if value is None else Shelf.model_validate(value)
