"""TLS on a connection: the server must prove the name that was asked for."""

import socket
import ssl

from tradeloom.errors import NetworkFailed, UntrustedServer
from tradeloom.network.dialling import Deadline
from tradeloom.network.policy import Policy


def trusted(policy: Policy) -> ssl.SSLContext:
    """The public authorities, and the operator's own where there are any. TLS 1.2 or newer."""
    import certifi

    context = ssl.create_default_context(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if policy.trust is not None:
        context.load_verify_locations(policy.trust)
    return context


def secured(connection: socket.socket, host: str, context: ssl.SSLContext, deadline: Deadline) -> ssl.SSLSocket:
    """Raises `UntrustedServer`, `NetworkFailed`, `NetworkTimeout`; closes the connection then."""
    try:
        connection.settimeout(deadline.left())
        return context.wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        connection.close()
        raise untrusted(host, error) from error
    except TimeoutError:
        connection.close()
        raise deadline.passed() from None
    except OSError as error:
        connection.close()
        raise NetworkFailed(f"{host} does not speak TLS on that port, or broke off.") from error
    except BaseException:
        connection.close()
        raise


def untrusted(host: str, error: ssl.SSLCertVerificationError) -> UntrustedServer:
    return UntrustedServer(
        f"The certificate of {host} does not prove who it is: {error.verify_message}.",
        hint="A certificate of one's own can be trusted with TRADELOOM_NETWORK_CA.",
    )
