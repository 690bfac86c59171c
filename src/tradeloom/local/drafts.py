"""The API's drafts on the local stores."""

import secrets
from datetime import UTC, datetime

from tradeloom.api.models.drafts import Draft, DraftState, KeepDraft
from tradeloom.engine.drafts import DraftRecord, DraftStore
from tradeloom.local.bridging import OnLoop


class LocalDrafts:
    def __init__(self, on_loop: OnLoop, store: DraftStore) -> None:
        self._on_loop = on_loop
        self._store = store

    def get(self, tenant: str, workflow_id: str) -> DraftState:
        return _state(self._on_loop(self._store.draft(tenant, workflow_id)))

    def keep(
        self, tenant: str, user: str, workflow_id: str, draft: KeepDraft, over: str | None, *, whichever: bool
    ) -> DraftState:
        record = DraftRecord(
            tenant=tenant,
            workflow_id=workflow_id,
            document=draft.document,
            base_version=draft.base_version,
            revision=secrets.token_hex(8),
            saved_by=user,
            saved_at=datetime.now(UTC),
        )
        self._on_loop(self._store.write(record, over=over, whichever=whichever))
        return _state(record)

    def discard(self, tenant: str, workflow_id: str) -> None:
        self._on_loop(self._store.discard(tenant, workflow_id))


def _state(record: DraftRecord | None) -> DraftState:
    if record is None:
        return DraftState(draft=None)
    return DraftState(
        draft=Draft(
            document=record.document,
            base_version=record.base_version,
            revision=record.revision,
            saved_by=record.saved_by,
            saved_at=record.saved_at,
        )
    )
