"""Who asks: read from the claims that were verified in front of the API, and from nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradeloom.errors import Unauthorized

TENANT_CLAIM = "custom:tenant_id"
USER_CLAIM = "sub"
_MAX_LENGTH = 128


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or program of a tenant. Everything it may see starts with `tenant`."""

    tenant: str
    user: str

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> "Caller":
        """Raises `Unauthorized` where a claim is missing: no token was verified for this request."""
        tenant, user = claims.get(TENANT_CLAIM), claims.get(USER_CLAIM)
        for value in (tenant, user):
            if not isinstance(value, str) or not 0 < len(value) <= _MAX_LENGTH:
                raise Unauthorized(
                    "This address needs a valid bearer token.", hint="Send Authorization: Bearer <token>."
                )
        return cls(tenant=str(tenant), user=str(user))
