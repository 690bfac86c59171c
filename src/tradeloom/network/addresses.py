"""Which addresses are public servers', and literal addresses in every spelling that some resolver understands. Pure.

`ipaddress.is_global` is not asked: it passes addresses that carry another one inside (NAT64, 6to4, IPv4-compatible)
and cloud services on public numbers. Ranges are those of the IANA special-purpose registries (RFC 6890 and its
successors) and of the clouds' own documentation.
"""

import ipaddress
from collections.abc import Mapping
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

DENIED_V4: Mapping[str, str] = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "a private network",
    "100.64.0.0/10": "a provider's inner network",
    "127.0.0.0/8": "this machine itself",
    "168.63.129.16/32": "a cloud's inner service",
    "169.254.0.0/16": "link-local, where clouds keep instance metadata",
    "172.16.0.0/12": "a private network",
    "192.0.0.0/24": "reserved for protocols",
    "192.0.2.0/24": "reserved for documentation",
    "192.88.99.0/24": "the 6to4 relay",
    "192.168.0.0/16": "a private network",
    "198.18.0.0/15": "reserved for benchmarks",
    "198.51.100.0/24": "reserved for documentation",
    "203.0.113.0/24": "reserved for documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved, or broadcast",
}
DENIED_V6: Mapping[str, str] = {
    "::/128": "the unspecified address",
    "::1/128": "this machine itself",
    "::/96": "IPv4-compatible",
    "64:ff9b:1::/48": "a local translation to IPv4",
    "100::/64": "the discard range",
    "2001::/32": "a Teredo tunnel",
    "2001::/23": "reserved for protocols",
    "2001:db8::/32": "reserved for documentation",
    "2002::/16": "a 6to4 tunnel",
    "3fff::/20": "reserved for documentation",
    "5f00::/16": "segment routing",
    "fc00::/7": "a private network",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
    "ff00::/8": "multicast",
}
GLOBAL_V6 = IPv6Network("2000::/3")
"""All that IANA has handed out as global unicast; the rest of the space is nobody's."""

NAT64 = IPv6Network("64:ff9b::/96")
ISATAP = (0x0000_5EFE, 0x0200_5EFE)
"""Upper half of an interface id that carries an IPv4 address in its lower half."""


def refusal(address: Address) -> str | None:
    """Why the address may not be reached, as what it is ("a private network"); None for a public server's."""
    inner = embedded(address)
    if inner is not None:
        why = refusal(inner)
        return f"{inner} in another spelling: {why}" if why else None
    if isinstance(address, IPv4Address):
        return next((why for network, why in _v4() if address in network), None)
    for network, why in _v6():
        if address in network:
            return why
    if address not in GLOBAL_V6:
        return "not a global address"
    if (int(address) >> 32) & 0xFFFF_FFFF in ISATAP:
        return "an ISATAP tunnel"
    return None


def embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv4-mapped or NAT64 one stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in NAT64 else None


def literal(host: str) -> Address | None:
    """The address that `host` spells, None for a name.

    IPv4 as `inet_aton` takes it: one to four parts, decimal, octal (0177) or hexadecimal (0x7f), the last of which
    fills what is left. Raises `ValueError` for what looks like an address and is none, as browsers do, so that no
    resolver gets to read it in its own way.
    """
    if ":" in host:
        return IPv6Address(host)  # with a zone ("%eth0") only as it parses; callers refuse "%" before
    parts = host.split(".")
    if not _looks_numeric(parts[-1]):
        return None
    if len(parts) > 4:
        raise ValueError("an IPv4 address has at most four parts")
    numbers = [_number(part) for part in parts]
    if any(number > 255 for number in numbers[:-1]) or numbers[-1] >= 256 ** (5 - len(numbers)):
        raise ValueError("a part of the IPv4 address is too large")
    value = numbers[-1]
    for position, number in enumerate(numbers[:-1]):
        value += number << (8 * (3 - position))
    return IPv4Address(value)


def _looks_numeric(part: str) -> bool:
    return part.isdigit() or part.lower().startswith("0x")


def _number(part: str) -> int:
    if not part.isascii() or not part.isalnum() or len(part) > 64:
        raise ValueError("a part of the IPv4 address is no number")
    lowered = part.lower()
    if lowered.startswith("0x"):
        return int(lowered[2:] or "0", 16)
    return int(lowered, 8 if len(lowered) > 1 and lowered.startswith("0") else 10)


@cache
def _v4() -> tuple[tuple[IPv4Network, str], ...]:
    return tuple((ipaddress.IPv4Network(network), why) for network, why in DENIED_V4.items())


@cache
def _v6() -> tuple[tuple[IPv6Network, str], ...]:
    return tuple((ipaddress.IPv6Network(network), why) for network, why in DENIED_V6.items())
