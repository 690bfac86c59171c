"""From a host to a connection: one resolution, every address judged, and the connection to an address that was."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from tradeloom.errors import NetworkFailed, NetworkRefused, NetworkTimeout
from tradeloom.network.addresses import Address
from tradeloom.network.policy import Policy
from tradeloom.stopping import interruptible

Resolve = Callable[[str], Sequence[str]]
"""A name's addresses. Raises `OSError`."""

MAX_ADDRESSES = 4
"""Addresses of one name tried one after another."""

CONNECT_S = 5.0
_LOOKUPS = threading.BoundedSemaphore(8)
"""A lookup cannot be called off, so those that hang are bounded in number."""


class Deadline:
    """The moment by which all must be done, however the other side spreads its bytes. `sent` is kept up by whoever
    writes, so that an error tells whether anything left."""

    def __init__(self, seconds: float, host: str) -> None:
        self._end = time.monotonic() + seconds
        self._seconds = seconds
        self._host = host
        self.sent = False

    def left(self) -> float:
        """Seconds to go, never 0. Raises `NetworkTimeout` when there are none."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise self.passed()
        return seconds

    def passed(self) -> NetworkTimeout:
        return NetworkTimeout(f"{self._host} was not done within {self._seconds:g} s.", sent=self.sent)


def system_resolve(host: str) -> list[str]:
    """As the operating system resolves names, hosts file included."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def dial(
    host: str,
    address: Address | None,
    port: int,
    *,
    policy: Policy,
    ports: frozenset[int],
    deadline: Deadline,
    resolve: Resolve = system_resolve,
) -> socket.socket:
    """A connection to `host`, or to `address` where the host is one.

    Raises `NetworkRefused` when any address of the name may not be reached: a name that mixes public addresses with
    inner ones is up to no good. Raises `NetworkFailed` and `NetworkTimeout`; nothing was sent then, nor when a stop
    breaks in.
    """
    with interruptible():
        addresses = [address] if address is not None else _resolved(host, resolve, deadline)
        for each in addresses:
            why = policy.refusal(each, port, ports)
            if why is not None:
                where = host if str(each) == host else f"{host} ({each})"
                raise NetworkRefused(f"{where} may not be reached: {why}.", hint="Only public servers can be reached.")
        return _connected(host, addresses[:MAX_ADDRESSES], port, deadline)


def _resolved(host: str, resolve: Resolve, deadline: Deadline) -> list[Address]:
    if not _LOOKUPS.acquire(timeout=deadline.left()):
        raise deadline.passed()
    answers: list[Sequence[str] | OSError] = []

    def look_up() -> None:
        try:
            answers.append(resolve(host))
        except (OSError, UnicodeError) as error:
            answers.append(error if isinstance(error, OSError) else OSError(str(error)))
        finally:
            _LOOKUPS.release()

    thread = threading.Thread(target=look_up, name="lookup", daemon=True)
    thread.start()
    thread.join(deadline.left())
    if not answers:
        raise deadline.passed()
    if isinstance(answers[0], OSError):
        raise NetworkFailed(f"The name {host} cannot be resolved.", hint="Is it spelled as its owner spells it?")
    # A scope ("fe80::1%eth0") names an interface of this machine: link-local, and judged as that.
    found = [ip_address(text.partition("%")[0]) for text in answers[0]]
    if not found:
        raise NetworkFailed(f"The name {host} has no address.")
    return found


def _connected(host: str, addresses: Sequence[Address], port: int, deadline: Deadline) -> socket.socket:
    problem: OSError | None = None
    for position, address in enumerate(addresses):
        patience = min(CONNECT_S, deadline.left() / (len(addresses) - position))
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(patience)
            made.connect((str(address), port))
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            made.close()
            problem = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    if isinstance(problem, TimeoutError):
        raise NetworkTimeout(f"{host} did not answer on port {port}.")
    told = problem.strerror if problem is not None and problem.strerror else "no connection"
    raise NetworkFailed(f"{host} cannot be reached on port {port}: {told}.")
