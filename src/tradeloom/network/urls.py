"""URLs, read strictly: what two parsers could read differently is refused."""

from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import quote, urljoin, urlsplit

from tradeloom.errors import InvalidInput
from tradeloom.network.addresses import Address, literal

MAX_URL = 4_096
DEFAULT_PORTS = {"http": 80, "https": 443}
_REFUSED = {chr(code) for code in (*range(0x21), 0x7F)} | set('\\"<>^`{|}')
"""Controls, space, and what is written in a URL only by mistake or to mislead a parser."""

_KEPT = "%/?:@!$&'()*+,;=-._~[]"


class InvalidUrl(InvalidInput):
    """A URL that is none, or not of a web server."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. `host` is a name in ASCII, lower case, or an address as Python writes it; `address` is set
    where the host is one. `path` is path and query."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """For the Host header."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_url(text: str) -> Target:
    """Raises `InvalidUrl`, which never quotes more than the host."""
    if len(text) > MAX_URL:
        raise InvalidUrl(f"The URL has {len(text):,} characters; {MAX_URL:,} are the most.")
    if not _REFUSED.isdisjoint(text):
        raise InvalidUrl(
            'The URL holds a space, a control character or one of \\ " < > ^ ` { | }.',
            hint="Write such a character as its percent code, a space as %20.",
        )
    try:
        text.encode()
        parts = urlsplit(text)
    except UnicodeEncodeError:
        raise InvalidUrl("The URL holds half of a surrogate pair, which is no character.") from None
    except ValueError:
        raise InvalidUrl("The URL's host cannot be read.") from None
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS or not text[len(scheme) :].startswith("://"):
        raise InvalidUrl("The URL does not start with https:// or http://.")
    if "@" in parts.netloc:
        raise InvalidUrl(
            "The URL names a user before its host.", hint="Keep user and password in a credential, not in the URL."
        )
    host, port = _authority(parts.netloc, DEFAULT_PORTS[scheme])
    name, address = canonical_host(host)
    path = quote(parts.path or "/", safe=_KEPT) + (f"?{quote(parts.query, safe=_KEPT)}" if parts.query else "")
    return Target(scheme, name, port, path, address)


def redirected(base: Target, location: str) -> Target:
    """Where a redirect leads. Raises `InvalidUrl`."""
    try:
        return parse_url(urljoin(base.url, location.strip(" \t")))
    except ValueError:
        raise InvalidUrl("The redirect's host cannot be read.") from None


def canonical_host(host: str) -> tuple[str, Address | None]:
    """A name in ASCII and lower case, and the address where the host spells one. Raises `InvalidUrl`."""
    if not host or "%" in host:
        raise InvalidUrl("The host is missing, or holds a percent sign.")
    if host.startswith("[") and host.endswith("]"):
        try:
            address: Address | None = IPv6Address(host[1:-1])
        except ValueError:
            raise InvalidUrl("The address in brackets is no IPv6 address.") from None
        return str(address), address
    name = _ascii(host)
    try:
        address = literal(name)
    except ValueError as error:
        raise InvalidUrl(f"The host looks like an address and is none: {error}.") from None
    return (str(address), address) if address is not None else (name, None)


def _authority(netloc: str, default: int) -> tuple[str, int]:
    host, port = netloc, ""
    if netloc.startswith("["):
        inside, bracket, rest = netloc.partition("]")
        host = inside + bracket
        if not bracket or (rest and not rest.startswith(":")):
            raise InvalidUrl("The host's brackets do not fit together.")
        port = rest[1:]
    elif ":" in netloc:
        host, _, port = netloc.partition(":")
    if not port:
        return host, default
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65_535):
        raise InvalidUrl("The URL's port is no number from 1 to 65535.")
    return host, int(port)


def _ascii(host: str) -> str:
    """By IDNA 2008 with the mapping browsers use (UTS 46): full-width digits and dots become plain ones."""
    import idna

    name = host.lower()
    if not name.isascii():
        try:
            name = idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise InvalidUrl("The host is no domain name.") from None
    name = name.removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_is_label(label) for label in labels):
        raise InvalidUrl("The host is no domain name.")
    return name


def _is_label(label: str) -> bool:
    plain = label.replace("-", "").replace("_", "")
    return 1 <= len(label) <= 63 and plain.isascii() and plain.isalnum() and not label.startswith("-")
