"""Server-side request forgery: spellings, names, rebinding and redirects that lead inside. None makes a connection.

A canary listens on loopback, IPv4 and IPv6, and counts; a sockets' guard notes every address that a connection was
tried to, so that what would have gone to a metadata service or a private network is seen as well.
"""

import ipaddress
import socket

import pytest

from tests.integration.network.conftest import Serve, allowing, client
from tests.integration.network.servers import HttpServer, redirect
from tradeloom.errors import CredentialProblem, InvalidInput, NetworkError, NetworkRefused, TradeloomError
from tradeloom.network.client import GuardedHttp
from tradeloom.network.mail import GuardedMail
from tradeloom.network.messages import HttpRequest, MailMessage, MailServer
from tradeloom.network.policy import ALLOW, Policy

LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "127.0.0.1.",
    "2130706433",
    "0x7f000001",
    "0x7F.0x0.0x0.0x1",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "0177.0x0.0.1",
    "00000177.1",
    "0",
    "0.0.0.0",
    "0x0",
    "１２７.０.０.１",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::1]",
    "[2001:0:7f00:1::]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "ｌｏｃａｌｈｏｓｔ",
]
METADATA = [
    "169.254.169.254",
    "2852039166",
    "0xA9FEA9FE",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.16689662",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "[fd00:ec2::254]",
    "[fe80::a9fe:a9fe]",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "169.254.170.2",
]
INSIDE = [
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "[fc00::1]",
    "[fd12:3456:789a::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[100::1]",
    "[2001:2::1]",
    "[2001:10::1]",
    "[5f00::1]",
    "[4000::1]",
    "[2600:1f18::5efe:a00:1]",
    "[2600:1f18::200:5efe:a00:1]",
]
MALFORMED = [
    "http://[::1%25lo]:{port}/",
    "http://[fe80::1%eth0]:{port}/",
    "http://user@127.0.0.1:{port}/",
    "http://example.com@127.0.0.1:{port}/",
    "http://example.com:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@example.com/",
    "http://example.com\\@127.0.0.1:{port}/",
    "http://127.0.0.1\\.example.com:{port}/",
    "http://example.com#@127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    " http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port} .example.com/",
    "http://127.0.0.1\t:{port}/",
    "ht\ntp://127.0.0.1:{port}/",
    "http://127.0.0.1%2f.example.com:{port}/",
    "http://127%2e0%2e0%2e1:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://1.2.3.4.5:{port}/",
    "http://256.0.0.1:{port}/",
    "http://0x7f.0.0.0x100:{port}/",
    "http://4294967297:{port}/",
    "http://127.0.0.08:{port}/",
    "http://127..0.1:{port}/",
    "http://[127.0.0.1]:{port}/",
    "http://[::1:{port}/",
    "http://::1:{port}/",
    "http://127.0.0.1:{port}0000/",
    "http://127.0.0.1:-{port}/",
    "http://127.0.0.1:٨٠/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "ftp://127.0.0.1:{port}/",
    "dict://127.0.0.1:{port}/",
    "data:text/plain,x",
    "http://\ud800/",
    "http://" + "a" * 300 + "/",
    "",
]
SPELLINGS = [*LOOPBACK, *METADATA, *INSIDE]


def is_plain(spelling: str) -> bool:
    try:
        ipaddress.ip_address(spelling)
    except ValueError:
        return False
    return True


PLAIN = [bare for bare in (spelling.strip("[]") for spelling in SPELLINGS) if is_plain(bare)]
"""Those that a resolver answers with."""


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every address a connection was tried to; to other machines it ends there."""
    tried: list[str] = []
    connect = socket.socket.connect

    def noted(self: socket.socket, address: tuple[str, int]) -> None:
        tried.append(address[0])
        if not ipaddress.ip_address(address[0]).is_loopback:
            raise TimeoutError("not from a test")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noted)
    return tried


@pytest.fixture
def canaries(serve: Serve) -> list[HttpServer]:
    """On one port for both families, so that every spelling of loopback would be heard."""
    return [serve(), serve(host="::1")]


def test_there_are_enough_of_them() -> None:
    assert len(set(SPELLINGS)) + len(set(MALFORMED)) >= 60


@pytest.mark.parametrize("host", SPELLINGS)
def test_a_spelling_of_an_inner_address(host: str, canaries: list[HttpServer], dialled: list[str]) -> None:
    for canary in canaries:
        with pytest.raises(NetworkRefused) as raised:
            client().send(HttpRequest("GET", f"http://{host}:{canary.port}/", timeout_s=3.0))
        assert not raised.value.sent
        assert canary.connections == 0
    assert dialled == []


@pytest.mark.parametrize("url", MALFORMED)
def test_a_url_that_parsers_disagree_on(url: str, canary: HttpServer, dialled: list[str]) -> None:
    def inside(host: str) -> list[str]:
        return ["127.0.0.1"]

    with pytest.raises((InvalidInput, NetworkRefused)):
        client(resolve=inside).send(HttpRequest("GET", url.replace("{port}", str(canary.port)), timeout_s=3.0))
    assert canary.connections == 0
    assert dialled == []


@pytest.mark.parametrize("host", [*LOOPBACK, *METADATA])
def test_a_redirect_to_an_inner_address(
    host: str, serve: Serve, canaries: list[HttpServer], dialled: list[str]
) -> None:
    for canary in canaries:
        location = f"http://{host}:{canary.port}/"
        door = serve(lambda asked, to=location: redirect(to))
        with pytest.raises(NetworkError):
            client(door).send(HttpRequest("POST", door.url, body=b"{}", timeout_s=3.0))
        assert len(door.asked) == 1
        assert canary.connections == 0
    assert set(dialled) == {"127.0.0.1"}
    assert len(dialled) == len(canaries)


@pytest.mark.parametrize("address", PLAIN)
def test_a_name_that_leads_there(address: str, canary: HttpServer, dialled: list[str]) -> None:
    for answers in ([address], ["93.184.215.14", address], [address, "93.184.215.14"]):
        made = client(resolve=lambda name, said=answers: said)
        with pytest.raises(NetworkRefused, match=r"shop\.example"):
            made.send(HttpRequest("GET", f"http://shop.example:{canary.port}/", timeout_s=3.0))
    assert canary.connections == 0
    assert dialled == []


class Rebinding:
    """A name server that gives one answer after another, and the last one for ever."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked = 0

    def __call__(self, host: str) -> list[str]:
        self.asked += 1
        return [self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]]


class TestRebinding:
    def test_the_address_that_was_judged_is_the_one_dialled(self, canary: HttpServer, dialled: list[str]) -> None:
        names = Rebinding("93.184.215.14", "127.0.0.1")
        made = client(resolve=names)
        url = f"http://rebind.example:{canary.port}/"
        with pytest.raises(NetworkError) as first:
            made.send(HttpRequest("GET", url, timeout_s=3.0))
        assert not isinstance(first.value, NetworkRefused)
        assert names.asked == 1
        assert dialled == ["93.184.215.14"]
        with pytest.raises(NetworkRefused):
            made.send(HttpRequest("GET", url, timeout_s=3.0))
        assert names.asked == 2
        assert dialled == ["93.184.215.14"]
        assert canary.connections == 0

    def test_a_redirect_to_itself_is_judged_anew(self, serve: Serve, canary: HttpServer) -> None:
        """The first answer leads to a server that may be reached, the second, after its redirect, to the canary."""
        door = serve(lambda asked: redirect(f"http://rebind.example:{canary.port}/inside"))
        names = Rebinding("127.0.0.1", "127.0.0.1")
        made = GuardedHttp(allowing(door), resolve=names)
        with pytest.raises(NetworkRefused, match=r"rebind\.example \(127\.0\.0\.1\)"):
            made.send(HttpRequest("GET", f"http://rebind.example:{door.port}/", timeout_s=3.0))
        assert names.asked == 2
        assert len(door.asked) == 1
        assert canary.connections == 0


class TestPorts:
    @pytest.mark.parametrize("port", [1, 22, 23, 25, 110, 143, 389, 445, 465, 587, 1023, 2049, 6000, 6667, 10080])
    def test_another_kind_of_service(self, port: int, dialled: list[str]) -> None:
        made = client(resolve=lambda host: ["93.184.215.14"])
        with pytest.raises(NetworkRefused, match=f"port {port}"):
            made.send(HttpRequest("POST", f"http://public.example:{port}/", body=b"EHLO x"))
        assert dialled == []

    @pytest.mark.parametrize("port", [80, 443, 1024, 8080, 8443, 65535])
    def test_the_webs(self, port: int, dialled: list[str]) -> None:
        made = client(resolve=lambda host: ["93.184.215.14"])
        with pytest.raises(NetworkError) as raised:
            made.send(HttpRequest("GET", f"http://public.example:{port}/", timeout_s=2.0))
        assert not isinstance(raised.value, NetworkRefused)
        assert dialled == ["93.184.215.14"]


class TestMail:
    @pytest.mark.parametrize("host", SPELLINGS)
    def test_a_mail_server_inside(self, host: str, canary: HttpServer, dialled: list[str]) -> None:
        message = MailMessage("a@example.com", ("b@example.com",), (), "x", "y", None, "<1@example.com>")
        for port in (25, 587, canary.port):
            server = MailServer(host.strip("[]") if ":" not in host else host, port, "none")
            with pytest.raises(TradeloomError) as raised:
                GuardedMail(Policy()).send(message, server, timeout_s=3.0)
            assert isinstance(raised.value, NetworkRefused | CredentialProblem)
        assert canary.connections == 0
        assert dialled == []

    def test_a_port_that_is_no_mail_servers(self, dialled: list[str]) -> None:
        message = MailMessage("a@example.com", ("b@example.com",), (), "x", "y", None, "<1@example.com>")
        mail = GuardedMail(Policy(), resolve=lambda host: ["93.184.215.14"])
        for port in (22, 80, 443, 6379, 11211):
            with pytest.raises(NetworkRefused, match="port"):
                mail.send(message, MailServer("smtp.example", port, "none"), timeout_s=3.0)
        assert dialled == []


class TestAllowList:
    def test_opens_one_port_and_no_other(self, serve: Serve, canary: HttpServer) -> None:
        server = serve()
        made = client(server)
        assert made.send(HttpRequest("GET", server.url)).status == 200
        assert made.send(HttpRequest("GET", f"http://[::ffff:127.0.0.1]:{server.port}/")).status == 200
        with pytest.raises(NetworkRefused):
            made.send(HttpRequest("GET", canary.url))
        assert canary.connections == 0

    @pytest.mark.parametrize("text", ["169.254.169.254:80", "[fd00:ec2::254]:80", "0.0.0.0/0:*", "[::]/0:80"])
    def test_cannot_open_metadata(self, text: str) -> None:
        with pytest.raises(InvalidInput, match="cannot open"):
            Policy.of({ALLOW: text})
