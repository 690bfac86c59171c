"""How a credential is sealed: AES-256-GCM under the tenant's data key, bound to its place.

The additional data is `tenant|credential|version`, so that ciphertext copied to another row does not open. Kind and
field values travel inside. The data key itself is kept wrapped by a key that lies elsewhere (`KeyWrapper`).
"""

import json
import os
from collections.abc import Mapping
from typing import Any, Final, Protocol

from tradeloom.accounts.credentials.errors import CredentialUnreadable

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class KeyWrapper(Protocol):
    """Wraps the data keys of tenants under a key-encryption key it alone holds. Blocking; used from threads."""

    def wrap(self, tenant: str, key: bytes) -> bytes:
        """Raises `KeyUnavailable`."""
        ...

    def unwrap(self, tenant: str, wrapped: bytes) -> bytes:
        """Raises `KeyUnavailable`; `CredentialUnreadable` for what was changed or wrapped for another tenant."""
        ...

    def is_current(self, wrapped: bytes) -> bool:
        """Whether it was wrapped with the key that is used now."""
        ...


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def seal(
    key: bytes, *, tenant: str, credential: str, version: int, kind: str, fields: Mapping[str, str]
) -> tuple[bytes, bytes]:
    """`(nonce, ciphertext)`."""
    content = json.dumps({"kind": kind, "fields": dict(fields)}).encode("ascii")
    return encrypt(key, content, _place(tenant, credential, version))


def unseal(
    key: bytes, nonce: bytes, ciphertext: bytes, *, tenant: str, credential: str, version: int
) -> tuple[str, dict[str, str]]:
    """`(kind, fields)`. Raises `CredentialUnreadable`."""
    content = decrypt(key, nonce, ciphertext, _place(tenant, credential, version))
    made: dict[str, Any] = json.loads(content)
    return made["kind"], made["fields"]


def encrypt(key: bytes, content: bytes, associated: bytes) -> tuple[bytes, bytes]:
    """`(nonce, ciphertext)`, with a nonce of its own."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    return nonce, AESGCM(key).encrypt(nonce, content, associated)


def decrypt(key: bytes, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
    """Raises `CredentialUnreadable` where any byte is not what was written for this place."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(nonce, ciphertext, associated)
    except (InvalidTag, ValueError):
        raise CredentialUnreadable(
            "What is stored of this credential is not what was saved for it: it was changed, moved or damaged.",
            hint="Save the credential again with all its fields, or restore the database.",
        ) from None


def _place(tenant: str, credential: str, version: int) -> bytes:
    """Ids hold no bar, so the text has one reading whatever the tenant is called."""
    return f"{tenant}|{credential}|{version}".encode("utf-8", "surrogatepass")
