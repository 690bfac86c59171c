"""The API's credentials on the local vault, and the engine's answer to a node that asks for one."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tradeloom.accounts.credentials.kinds import MODELS, fields_of
from tradeloom.accounts.credentials.store import CredentialRecord
from tradeloom.accounts.credentials.vault import Vault
from tradeloom.api.models.credentials import (
    CredentialDetail,
    CredentialField,
    CredentialKind,
    CredentialKinds,
    CredentialPage,
    CredentialSummary,
    CredentialUse,
    NewCredential,
    ReplacedCredential,
)
from tradeloom.engine.questions import CREDENTIAL, Answer, Asker
from tradeloom.engine.stores import Blobs, WorkflowStore
from tradeloom.errors import Conflict, CredentialProblem, NotFound
from tradeloom.local.bridging import OnLoop
from tradeloom.nodes.credentials import named_credentials
from tradeloom.nodes.registry import node_types
from tradeloom.runtime.redaction import Redactor
from tradeloom.workflow.problems import Problem

_PAGE: Final = 200
METADATA: Final = "credentials"
"""Where a version's metadata keeps which nodes name which credentials: `{id: [node, …]}`."""


Nodes = Iterable[Mapping[str, Any]]
"""A document's nodes, as JSON."""


def uses_of(nodes: Nodes) -> dict[str, list[str]]:
    """Which nodes name which credentials: the nodes' ids by the credential's."""
    found: dict[str, list[str]] = {}
    for node, _, reference in _named(nodes):
        users = found.setdefault(reference, [])
        if node not in users:
            users.append(node)
    return found


def _named(nodes: Nodes) -> list[tuple[str, str, str]]:
    """`(node, field, credential)` wherever a node names one."""
    known = node_types()
    return [
        (node["id"], field, reference)
        for node in nodes
        if node["type"] in known
        for field, reference in named_credentials(known[node["type"]], node.get("config") or {}).items()
    ]


async def unknown_credentials(vault: Vault, tenant: str, nodes: Nodes) -> list[Problem]:
    """A warning for each field that names a credential the tenant has not."""
    named = _named(nodes)
    there = await vault.known(tenant, frozenset(reference for _, _, reference in named)) if named else frozenset()
    return [
        Problem(
            code="unknown_credential",
            node=node,
            field=f"config.{field}",
            severity="warning",
            message="There is no credential of this id, so the node will fail.",
            hint="Choose one of yours, or add it under Credentials.",
        )
        for node, field, reference in named
        if reference not in there
    ]


async def uses(workflows: WorkflowStore, tenant: str, credential_id: str) -> list[CredentialUse]:
    """Workflows whose newest or running version names the credential."""
    found: list[CredentialUse] = []
    offset, total = 0, 1
    while offset < total:
        records, total = await workflows.workflows(tenant, limit=_PAGE, offset=offset)
        offset += _PAGE
        for record in records:
            nodes: set[str] = set()
            for version in {record.version, record.active_version or record.version}:
                metadata = (await workflows.version(tenant, record.id, version)).metadata
                nodes |= set(metadata.get(METADATA, {}).get(credential_id, ()))
            if nodes:
                found.append(
                    CredentialUse(
                        workflow_id=record.id, workflow_name=record.name, active=record.active, nodes=sorted(nodes)
                    )
                )
    return found


class LocalCredentials:
    """`given` learns every secret a node was given, for what this process itself writes down."""

    def __init__(self, on_loop: OnLoop, vault: Vault, workflows: WorkflowStore, blobs: Blobs, given: Redactor) -> None:
        self._on_loop = on_loop
        self._vault = vault
        self._workflows = workflows
        self._blobs = blobs
        self._given = given

    def kinds(self) -> CredentialKinds:
        return CredentialKinds(
            items=[
                CredentialKind(
                    kind=kind,
                    title=model.title,
                    description=model.description,
                    fields=[
                        CredentialField(
                            name=each.name,
                            title=each.title,
                            help=each.help,
                            secret=each.secret,
                            required=each.required,
                            default=each.default,
                            choices=None if each.choices is None else list(each.choices),
                        )
                        for each in fields_of(kind)
                    ],
                )
                for kind, model in MODELS.items()
            ]
        )

    def create(self, tenant: str, wanted: NewCredential) -> CredentialDetail:
        return self._on_loop(self._create(tenant, wanted))

    def page(self, tenant: str, *, limit: int, offset: int) -> CredentialPage:
        records, total = self._on_loop(self._vault.page(tenant, limit=limit, offset=offset))
        return CredentialPage(items=[CredentialSummary(**_summary(record)) for record in records], total=total)

    def get(self, tenant: str, credential_id: str) -> CredentialDetail:
        return self._on_loop(self._get(tenant, credential_id))

    def replace(self, tenant: str, credential_id: str, wanted: ReplacedCredential) -> CredentialDetail:
        return self._on_loop(self._replace(tenant, credential_id, wanted))

    def delete(self, tenant: str, credential_id: str, *, even_if_used: bool) -> None:
        self._on_loop(self._delete(tenant, credential_id, even_if_used))

    # -- for handlers -------------------------------------------------------------------------------------------

    def answers(self) -> Mapping[str, Answer]:
        return {CREDENTIAL: self._disclose}

    async def _disclose(self, asker: Asker, body: dict[str, Any]) -> Any:
        """The credential, if the asking node's own configuration names it: no worker's word is taken for that."""
        reference = body.get("id")
        document = (await asyncio.to_thread(self._blobs.artefact, asker.version))["document"]
        named = {credential for node, _, credential in _named(document["nodes"]) if node == asker.node}
        if not isinstance(reference, str) or reference not in named:
            raise CredentialProblem(
                "A node is given the credentials its own configuration names, and this is none of them.",
                hint="Choose the credential in the node's settings.",
            )
        try:
            opened = await self._vault.open(asker.tenant, reference)
        except NotFound as error:
            raise NotFound(
                f"There is no credential {reference!r}.",
                hint="It was deleted, or never was yours. Choose another in the node's settings.",
            ) from error
        self._given.remember(opened.secrets)
        return {
            "id": opened.id,
            "kind": opened.kind,
            "fields": dict(opened.fields),
            "secrets": list(opened.secrets),
        }

    # -- on the loop --------------------------------------------------------------------------------------------

    async def _create(self, tenant: str, wanted: NewCredential) -> CredentialDetail:
        fields = {name: value.get_secret_value() for name, value in wanted.fields.items()}
        return CredentialDetail(**_summary(await self._vault.add(tenant, wanted.name, wanted.kind, fields)), used_by=[])

    async def _get(self, tenant: str, credential_id: str) -> CredentialDetail:
        record = await self._vault.record(tenant, credential_id)
        return CredentialDetail(**_summary(record), used_by=await self._uses(tenant, credential_id))

    async def _replace(self, tenant: str, credential_id: str, wanted: ReplacedCredential) -> CredentialDetail:
        fields = {name: None if value is None else value.get_secret_value() for name, value in wanted.fields.items()}
        record = await self._vault.change(tenant, credential_id, name=wanted.name, fields=fields)
        return CredentialDetail(**_summary(record), used_by=await self._uses(tenant, credential_id))

    async def _delete(self, tenant: str, credential_id: str, even_if_used: bool) -> None:
        await self._vault.record(tenant, credential_id)
        uses = [] if even_if_used else await self._uses(tenant, credential_id)
        if uses:
            names = ", ".join(repr(use.workflow_name) for use in uses[:5])
            more = f" and {len(uses) - 5} more" if len(uses) > 5 else ""
            raise Conflict(
                f"The credential is used by {names}{more}.", hint="Take it out there first, or ask with even_if_used."
            )
        await self._vault.delete(tenant, credential_id)

    async def _uses(self, tenant: str, credential_id: str) -> list[CredentialUse]:
        return await uses(self._workflows, tenant, credential_id)


def _summary(record: CredentialRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "name": record.name,
        "kind": record.kind,
        "fields": list(record.fields),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "last_used_at": record.last_used_at,
    }
