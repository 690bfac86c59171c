"""Credentials and their kinds. No secret is ever answered."""

from typing import Annotated

from pydantic import AwareDatetime, ConfigDict, Field, SecretStr

from tradeloom.api.models.base import Identifier, Model

CredentialName = Annotated[str, Field(min_length=1, max_length=100, description="Unique; printable characters.")]
FieldName = Annotated[str, Field(max_length=100)]
SecretText = Annotated[SecretStr, Field(max_length=8192)]


class CredentialField(Model):
    """One field of a kind, as a form shows it. What is `secret` is never answered, and shown nowhere."""

    name: str = Field(examples=["password"])
    title: str
    help: str
    secret: bool
    required: bool
    default: str | None = None
    choices: list[str] | None = Field(default=None, description="The only values it takes.")


class CredentialKind(Model):
    kind: str = Field(examples=["smtp"])
    title: str
    description: str
    fields: list[CredentialField]


class CredentialKinds(Model):
    items: list[CredentialKind]


class NewCredential(Model):
    """A credential to keep. `GET /credential-kinds` tells which fields a kind has."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [{"name": "Ops bot", "kind": "http_bearer", "fields": {"token": "the token itself"}}]
        },
    )

    name: CredentialName
    kind: str = Field(max_length=40)
    fields: dict[FieldName, SecretText] = Field(max_length=20, description="All values are texts.")


class ReplacedCredential(Model):
    """What is to change. Fields left out keep their values, null takes one away."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"name": "Ops bot"}, {"fields": {"token": "the new token"}}]},
    )

    name: CredentialName | None = None
    fields: dict[FieldName, SecretText | None] = Field(default_factory=dict, max_length=20)


class CredentialSummary(Model):
    id: Identifier = Field(examples=["cred-5b0c9e2f41d7a836"])
    name: str
    kind: str = Field(examples=["http_bearer"])
    fields: list[str] = Field(description="Which fields are set.")
    created_at: AwareDatetime
    updated_at: AwareDatetime
    last_used_at: AwareDatetime | None = Field(default=None, description="When a node was given it last.")


class CredentialUse(Model):
    """A workflow whose newest or running version names a credential, and in which nodes."""

    workflow_id: str
    workflow_name: str
    active: bool
    nodes: list[str]


class CredentialDetail(CredentialSummary):
    used_by: list[CredentialUse]


class CredentialPage(Model):
    items: list[CredentialSummary]
    total: int
