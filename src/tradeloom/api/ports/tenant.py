"""What the API needs of what else a tenant has: credentials, tables, models, a plan."""

from typing import Protocol

from tradeloom.api.models.credentials import (
    CredentialDetail,
    CredentialKinds,
    CredentialPage,
    NewCredential,
    ReplacedCredential,
)
from tradeloom.api.models.tables import QueryResult, RunQuery, TableList
from tradeloom.api.models.trained_models import (
    ModelDetail,
    ModelList,
    StartTraining,
    Training,
    TrainingList,
    UploadModel,
)
from tradeloom.api.models.usage import Usage


class Credentials(Protocol):
    """Write-only: nothing here gives a value back, and no error tells one."""

    def kinds(self) -> CredentialKinds: ...

    def create(self, tenant: str, wanted: NewCredential) -> CredentialDetail:
        """Raises `InvalidInput` naming the fields that are wrong, `Conflict` for a name that is taken."""
        ...

    def page(self, tenant: str, *, limit: int, offset: int) -> CredentialPage:
        """By name."""
        ...

    def get(self, tenant: str, credential_id: str) -> CredentialDetail: ...

    def replace(self, tenant: str, credential_id: str, wanted: ReplacedCredential) -> CredentialDetail:
        """Raises `InvalidInput` where a secret is to be given again, `Conflict` for a lost race."""
        ...

    def delete(self, tenant: str, credential_id: str, *, even_if_used: bool) -> None:
        """Raises `Conflict` while workflows name it, unless that is wanted."""
        ...


class Tables(Protocol):
    """The tenant's own tables. Raise `QueryTimeout`, `StorageUnavailable`."""

    def listing(self, tenant: str) -> TableList:
        """By name."""
        ...

    def query(self, tenant: str, wanted: RunQuery) -> QueryResult:
        """Raises `QueryRefused`, `QueryFailed`, `ResultTooLarge`, `NotANumber`, `InvalidInput` for parameters."""
        ...


class Models(Protocol):
    """Models of price forecasts. What names one raises `NotFound`."""

    def listing(self, tenant: str) -> ModelList:
        """By name."""
        ...

    def get(self, tenant: str, model: str) -> ModelDetail: ...

    def promote(self, tenant: str, model: str, version: str | None) -> ModelDetail:
        """None lets the newest be used again."""
        ...

    def rollback(self, tenant: str, model: str) -> ModelDetail: ...

    def upload(self, tenant: str, brought: UploadModel) -> ModelDetail:
        """Raises `ModelRefused`, with the field that is wrong; nothing is kept then."""
        ...

    def train(self, tenant: str, wanted: StartTraining) -> Training:
        """Raises `InvalidInput` for an account that is not there, `Conflict` while another is trained."""
        ...

    def trainings(self, tenant: str) -> TrainingList: ...

    def training(self, tenant: str, training_id: str) -> Training: ...


class UsageMeter(Protocol):
    def usage(self, tenant: str) -> Usage: ...
