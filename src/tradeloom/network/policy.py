"""What the operator of a machine lets this process reach besides public servers. Empty unless the environment says."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from tradeloom.errors import InvalidInput
from tradeloom.network.addresses import Address, embedded, refusal
from tradeloom.network.urls import Target, parse_url

ALLOW = "TRADELOOM_NETWORK_ALLOW"
ROUTES = "TRADELOOM_NETWORK_ROUTES"
TRUST = "TRADELOOM_NETWORK_CA"

NEVER = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "168.63.129.16/32", "fe80::/10", "fd00:ec2::/32")))
"""Where clouds answer with a machine's own keys: no operator's list opens that."""

WEB_PORTS = frozenset({80, 443}) | frozenset(range(1024, 65_536)) - frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080}
)
"""Those of the web and the unprivileged ones, less what the Fetch standard calls bad ports."""

MAIL_PORTS = frozenset({25, 465, 587, 2525})


@dataclass(frozen=True)
class Policy:
    """`allow` are networks with a port (0: any) that may be reached although they are not public.

    `routes` sends what is meant for one origin to another: a gateway, or a Telegram Bot API server of one's own.
    `trust` is a file of certificates to trust besides the public ones.
    """

    allow: frozenset[tuple[IPv4Network | IPv6Network, int]] = frozenset()
    routes: Mapping[tuple[str, str, int], tuple[str, str, int]] = field(default_factory=dict)
    trust: Path | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Policy":
        """Read `TRADELOOM_NETWORK_ALLOW` (`127.0.0.1:8080, [::1]:25, 10.0.0.0/24:443`), `TRADELOOM_NETWORK_ROUTES`
        (`https://api.telegram.org=http://127.0.0.1:8081`) and `TRADELOOM_NETWORK_CA` (a PEM file).

        Raises `InvalidInput` naming the variable.
        """
        trust = environment.get(TRUST, "").strip()
        if trust and not Path(trust).is_file():
            raise InvalidInput(f"{TRUST} names {trust!r}, where there is no file.", field=TRUST)
        return cls(
            allow=frozenset(_allowed(part) for part in _parts(environment.get(ALLOW, ""))),
            routes=dict(_route(part) for part in _parts(environment.get(ROUTES, ""))),
            trust=Path(trust) if trust else None,
        )

    def refusal(self, address: Address, port: int, ports: frozenset[int]) -> str | None:
        """Why this address may not be reached at this port; None where it may. `ports` are those of public servers."""
        plain = embedded(address) or address
        if any(plain in network for network in NEVER):
            return refusal(address) or "a cloud's inner service"
        if any(port in (each, each or port) and plain in network for network, each in self.allow):
            return None
        why = refusal(address)
        if why is None and port not in ports:
            return f"port {port}, which is another kind of service's"
        return why

    def routed(self, target: Target) -> Target:
        route = self.routes.get(target.origin)
        if route is None:
            return target
        scheme, host, port = route
        aim = parse_url(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/")
        return replace(aim, path=target.path)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _allowed(text: str) -> tuple[IPv4Network | IPv6Network, int]:
    where, _, port = text.rpartition(":")
    try:
        number = 0 if port == "*" else int(port)
        network = ipaddress.ip_network(where.replace("[", "").replace("]", ""))
        if not 0 <= number <= 65_535 or (number == 0 and port != "*"):
            raise ValueError("port")
    except ValueError:
        raise InvalidInput(
            f"{ALLOW} holds {text!r}, which is no address or network with a port.",
            field=ALLOW,
            hint="Write 127.0.0.1:8080, [::1]:25 or 10.0.0.0/24:443; a port * is any.",
        ) from None
    if any(network.version == each.version and network.overlaps(each) for each in NEVER):
        raise InvalidInput(f"{ALLOW} cannot open {where}: clouds answer there with a machine's keys.", field=ALLOW)
    return network, number


def _route(text: str) -> tuple[tuple[str, str, int], tuple[str, str, int]]:
    source, _, target = text.partition("=")
    try:
        return parse_url(source.strip()).origin, parse_url(target.strip()).origin
    except InvalidInput as error:
        raise InvalidInput(
            f"{ROUTES} holds {text!r}: {error.message}",
            field=ROUTES,
            hint="Write https://api.telegram.org=http://127.0.0.1:8081, several with commas between.",
        ) from None
