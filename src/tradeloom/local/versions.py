"""Versions as they are kept: their machine and artefact as blobs, and the row that names them."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tradeloom.compiler.compile import Compiled
from tradeloom.engine import codec
from tradeloom.engine.stores import Blobs, VersionRecord


async def kept_version(
    blobs: Blobs, tenant: str, workflow_id: str, compiled: Compiled, metadata: Mapping[str, Any] | None = None
) -> VersionRecord:
    """The row of a version whose blobs are durable when this returns; the row itself is not kept by it."""
    definition = codec.dumps(compiled.definition).encode("ascii")
    return VersionRecord(
        tenant=tenant,
        workflow_id=workflow_id,
        version=compiled.version,
        artefact=await asyncio.to_thread(blobs.put_artefact, compiled.version, compiled.artefact),
        definition=await asyncio.to_thread(blobs.put, definition),
        account=compiled.plan.graph.document.settings.broker_account,
        created_at=datetime.now(UTC),
        metadata=dict(metadata or {}),
    )
