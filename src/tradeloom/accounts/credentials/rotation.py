"""A new key for everything, while credentials are in use."""

from typing import Final

from tradeloom.accounts.credentials.key_file import KeyFile
from tradeloom.accounts.credentials.vault import Vault
from tradeloom.errors import Conflict

_ROUNDS: Final = 20


async def rotate_key(vault: Vault, file: KeyFile) -> int:
    """Put a new key into the file and seal every tenant's credentials anew under new data keys; how many.

    What fails or is killed on the way leaves everything readable; starting again finishes it. Raises what keeps a
    credential from being opened, before anything is forgotten.
    """
    await _settle(vault)  # nothing hangs on keys older than the present one any more: those are forgotten now
    file.renew()
    return await _settle(vault)


async def _settle(vault: Vault) -> int:
    """Seal anew until all is wrapped with the present key: others may save while this goes on."""
    done = 0
    for _ in range(_ROUNDS):
        stale = [tenant for tenant in await vault.tenants() if not await vault.is_current(tenant)]
        if not stale:
            return done
        for tenant in stale:
            done += await vault.rotate(tenant)
    raise Conflict("Credentials kept changing while the key was rotated.", hint="Try it again when it is quieter.")
