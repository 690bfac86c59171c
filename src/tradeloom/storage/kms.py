"""Data keys wrapped by AWS KMS, bound to their tenant through the encryption context."""

from typing import Any, Final

from tradeloom.accounts.credentials.errors import CredentialUnreadable, KeyUnavailable

_NOT_OURS: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class KmsKeyWrapper:
    """The `KeyWrapper` of the cloud. `client` is boto3's for KMS; KMS rotates the key's material by itself."""

    def __init__(self, client: Any, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def wrap(self, tenant: str, key: bytes) -> bytes:
        answer = self._asked("encrypt", Plaintext=key, EncryptionContext={"tenant": tenant})
        wrapped: bytes = answer["CiphertextBlob"]
        return wrapped

    def unwrap(self, tenant: str, wrapped: bytes) -> bytes:
        answer = self._asked("decrypt", CiphertextBlob=wrapped, EncryptionContext={"tenant": tenant})
        key: bytes = answer["Plaintext"]
        return key

    def is_current(self, wrapped: bytes) -> bool:
        return True

    def _asked(self, operation: str, **parameters: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(KeyId=self._key_id, **parameters)
        except ClientError as error:
            name = error.response.get("Error", {}).get("Code", "")
            if name in _NOT_OURS:
                raise CredentialUnreadable(
                    "The data key of this credential was changed, or is another tenant's.",
                    hint="Save the credential again with all its fields, or restore the database.",
                ) from None
            raise _unavailable(name) from error
        except BotoCoreError as error:
            raise _unavailable(type(error).__name__) from error


def _unavailable(why: str) -> KeyUnavailable:
    return KeyUnavailable(
        f"KMS does not give the key of the credentials: {why}.",
        hint="The function's role needs kms:Encrypt and kms:Decrypt on the key, which must be enabled.",
    )
