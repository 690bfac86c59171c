"""The key-encryption key of one machine: a file of its own, outside the data directory, for its owner's eyes only.

The file holds one base64 key a line: the one that is used, and the one before it.
A wrapped data key is `key id (8) + nonce (12) + ciphertext (48)`, bound to its tenant.
"""

import base64
import binascii
import hashlib
import os
import stat
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from tradeloom.accounts.credentials.errors import CredentialUnreadable, KeyUnavailable
from tradeloom.accounts.credentials.sealing import KEY_BYTES, NONCE_BYTES, decrypt, encrypt, new_key

_ID_BYTES: Final = 8
_MODE: Final = 0o600


class KeyFile:
    """The `KeyWrapper` of one machine. The file is made when the first credential is saved."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keys: list[bytes] = []
        self._lock = threading.Lock()

    def wrap(self, tenant: str, key: bytes) -> bytes:
        primary = self._loaded(make=True)[0]
        nonce, ciphertext = encrypt(primary, key, _bound(tenant))
        return _key_id(primary) + nonce + ciphertext

    def unwrap(self, tenant: str, wrapped: bytes) -> bytes:
        name, nonce = wrapped[:_ID_BYTES], wrapped[_ID_BYTES : _ID_BYTES + NONCE_BYTES]
        known = self._named(name)
        key = decrypt(known, nonce, wrapped[_ID_BYTES + NONCE_BYTES :], _bound(tenant))
        if len(key) != KEY_BYTES:
            raise CredentialUnreadable("The data key of this credential has the wrong length.")
        return key

    def is_current(self, wrapped: bytes) -> bool:
        return wrapped[:_ID_BYTES] == _key_id(self._loaded(make=False)[0])

    def renew(self) -> None:
        """Put a new key first; what is wrapped from now on is wrapped with it.

        The one before it still unwraps, for who read it a moment ago; older ones are forgotten.
        """
        with self._lock:
            self._keys = [new_key(), *self._read(make=True)][:2]
            self._write(self._keys)

    # -- the file -----------------------------------------------------------------------------------------------

    def _loaded(self, *, make: bool) -> list[bytes]:
        with self._lock:
            if not self._keys or not self.path.exists():
                self._keys = self._read(make=make)
            return self._keys

    def _named(self, name: bytes) -> bytes:
        """Another process may have renewed the file since it was read."""
        for again in (False, True):
            if again:
                with self._lock:
                    self._keys = self._read(make=False)
            for key in self._loaded(make=False):
                if _key_id(key) == name:
                    return key
        raise KeyUnavailable(
            f"The key file {self.path} is not the one this credential was saved with.",
            hint="Put the right key file back, or save the credential again with all its fields.",
        )

    def _read(self, *, make: bool) -> list[bytes]:
        try:
            self._check_owner()
            lines = self.path.read_text(encoding="ascii").split()
        except FileNotFoundError:
            if make:
                return self._made()
            raise KeyUnavailable(
                f"The key file {self.path} is gone, so what is stored of the credentials cannot be read.",
                hint="Put it back from a backup, or save each credential again with all its fields.",
            ) from None
        except UnicodeDecodeError:
            raise self._damaged() from None
        except OSError as error:
            raise self._unusable(error) from error
        try:
            keys = [base64.b64decode(line, validate=True) for line in lines]
        except binascii.Error:
            raise self._damaged() from None
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise self._damaged()
        return keys

    def _check_owner(self) -> None:
        found = self.path.stat()
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise KeyUnavailable(
                f"Others on this machine can read the key file {self.path}.",
                hint=f"`chmod 600 {self.path}`; if somebody may have read it, `tradeloom credentials rotate` as well.",
            )
        if found.st_uid != os.getuid():
            raise KeyUnavailable(f"The key file {self.path} belongs to another user.", hint=f"`chown` {self.path}.")

    def _made(self) -> list[bytes]:
        """A new file, unless another process makes it at the same moment: then that one's."""
        key = new_key()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self._draft([key])
            try:
                os.link(draft, self.path)
            except FileExistsError:
                return self._read(make=False)
            finally:
                draft.unlink()
            self._sync_folder()
        except OSError as error:
            raise self._unusable(error) from error
        return [key]

    def _write(self, keys: list[bytes]) -> None:
        try:
            draft = self._draft(keys)
            draft.replace(self.path)
            self._sync_folder()
        except OSError as error:
            raise self._unusable(error) from error

    def _draft(self, keys: list[bytes]) -> Path:
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}-", dir=self.path.parent)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as stream:
                stream.write("".join(base64.b64encode(key).decode() + "\n" for key in keys))
                stream.flush()
                os.fchmod(stream.fileno(), _MODE)
                os.fsync(stream.fileno())
        except OSError:
            with suppress(OSError):
                Path(name).unlink()
            raise
        return Path(name)

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _damaged(self) -> KeyUnavailable:
        return KeyUnavailable(f"The key file {self.path} is damaged.", hint="Put it back from a backup.")

    def _unusable(self, error: OSError) -> KeyUnavailable:
        return KeyUnavailable(
            f"The key file {self.path} cannot be used: {error.strerror or type(error).__name__}.",
            field="TRADELOOM_KEY_FILE",
            hint="Make its folder writable, or set TRADELOOM_KEY_FILE to a file outside the data directory.",
        )


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"tradeloom key " + key).digest()[:_ID_BYTES]


def _bound(tenant: str) -> bytes:
    return b"data key|" + tenant.encode("utf-8", "surrogatepass")
