"""Spellings of addresses, and which of them are public servers'."""

import ipaddress
import socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tradeloom.network.addresses import DENIED_V4, DENIED_V6, Address, embedded, literal, refusal

PUBLIC = ["93.184.215.14", "1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1",
          "169.253.255.255", "198.17.255.255", "198.20.0.1", "192.0.1.1", "223.255.255.255", "9.255.255.255",
          "2606:4700:4700::1111", "2a00:1450:4001:82a::200e", "2001:4860:4860::8888", "64:ff9b::808:808",
          "::ffff:1.1.1.1"]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_public_servers(text: str) -> None:
    assert refusal(ipaddress.ip_address(text)) is None


@pytest.mark.parametrize("network", [*DENIED_V4, *DENIED_V6])
def test_both_ends_of_every_denied_range(network: str) -> None:
    denied = ipaddress.ip_network(network)
    assert refusal(denied[0])
    assert refusal(denied[-1])


@given(st.ip_addresses())
@example(ipaddress.ip_address("64:ff9b::a9fe:a9fe"))
@example(ipaddress.ip_address("2002:a9fe:a9fe::1"))
@example(ipaddress.ip_address("::169.254.169.254"))
@example(ipaddress.ip_address("192.0.0.192"))
@example(ipaddress.ip_address("224.0.0.1"))
def test_never_more_generous_than_the_standard_library(address: Address) -> None:
    """What Python calls private, reserved or special is refused; the examples are those it passes and must not be."""
    inner = embedded(address)
    judged = inner or address
    special = (judged.is_private, judged.is_loopback, judged.is_link_local, judged.is_multicast, judged.is_reserved)
    if any(special) or not judged.is_global:
        assert refusal(address)
    if str(address) in {"64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::a9fe:a9fe", "192.0.0.192", "224.0.0.1"}:
        assert refusal(address)


@given(st.ip_addresses(v=4))
def test_an_address_in_another_is_judged_as_itself(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    translated = ipaddress.IPv6Address(f"64:ff9b::{address}")
    for outer in (mapped, translated):
        assert embedded(outer) == address
        assert bool(refusal(outer)) == bool(refusal(address))
    for tunnel in (f"::{address}", f"2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::1"):
        assert refusal(ipaddress.IPv6Address(tunnel))


@given(st.ip_addresses(v=4), st.integers(1, 4), st.data())
def test_every_spelling_is_read_as_inet_aton_reads_it(
    address: ipaddress.IPv4Address, parts: int, data: st.DataObject
) -> None:
    value = int(address)
    numbers = [(value >> (8 * (3 - position))) & 0xFF for position in range(parts - 1)]
    numbers.append(value & ((1 << (8 * (5 - parts))) - 1))
    spell = st.sampled_from(["{}", "0x{:x}", "0X{:X}", "0{:o}"])
    text = ".".join(data.draw(spell).format(number) for number in numbers)
    assert literal(text) == address
    assert socket.inet_aton(text) == address.packed


@given(st.from_regex(r"[0-9a-fx.]{1,20}", fullmatch=True))
def test_no_text_is_a_name_for_us_and_an_address_for_the_resolver(text: str) -> None:
    try:
        ours = literal(text)
    except ValueError:
        return
    try:
        theirs = socket.inet_aton(text)
    except OSError:
        return
    assert ours is not None
    assert ours.packed == theirs


@pytest.mark.parametrize("text", ["example.com", "1.example", "a.0b", "0xg", "xn--bcher-kva.example"])
def test_names(text: str) -> None:
    if text == "0xg":
        with pytest.raises(ValueError, match="invalid literal"):
            literal(text)
    else:
        assert literal(text) is None


@pytest.mark.parametrize(
    "text", ["256.1.1.1", "1.2.3.4.5", "4294967296", "1.2.65536", "08", "1..2", "0x1ffffffff", "9" * 70]
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the message is the test of urls)
        literal(text)
