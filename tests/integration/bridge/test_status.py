"""The status page of a real bridge: what it shows, and that it shows it to this machine only."""

import http.client
import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mt5_bridge.status_server import HOST
from tests.integration.bridge.rig import Rig, eventually
from tradeloom.errors import NotFound
from tradeloom.trading.risk import AccountState


@pytest.fixture
def address(rig: Rig) -> tuple[str, int]:
    url = urlsplit(json.loads(rig.bridge.state_file.read_text())["status"])
    assert url.hostname == HOST
    assert url.port is not None
    return url.hostname, url.port


@pytest.fixture(autouse=True)
def still_there(rig: Rig, address: tuple[str, int]) -> Iterator[None]:
    yield
    assert get(address, "/health").status == 200
    assert rig.broker.tick("EURUSD").bid > 0


class Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.text = answer.read().decode()


def get(address: tuple[str, int], path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection(*address, timeout=60)
    try:
        connection.request(method, path, headers=headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def raw(address: tuple[str, int], request: bytes) -> bytes:
    """Whatever comes back for bytes that are sent as they are."""
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except OSError:
            pass
        return answer


def metric(address: tuple[str, int], name: str) -> float:
    lines = get(address, "/metrics").text.splitlines()
    found = [line.rpartition(" ")[2] for line in lines if line.rpartition(" ")[0] == f"tradeloom_bridge_{name}"]
    return float(found[0]) if found else 0.0


def test_orders_calls_and_refusals_are_counted(rig: Rig, address: tuple[str, int]) -> None:
    names = {
        "done": 'order_outcomes_total{account="paper",status="done",reason=""}',
        "refused": 'gate_refusals_total{account="paper",rule="max_lot"}',
        "sendings": 'order_send_seconds_count{account="paper"}',
        "journal": 'orders{account="paper",state="done"}',
        "calls": 'calls_total{method="send",outcome="ok"}',
        "missed": 'calls_total{method="tick",outcome="NotFound"}',
    }
    before = {what: metric(address, name) for what, name in names.items()}
    rig.broker.send(rig.buy("status one"))
    rig.broker.send(rig.buy("status one"))  # told from the journal: no second order
    rig.broker.send(rig.buy("status two", volume=5))
    with pytest.raises(NotFound):
        rig.broker.tick("NOSUCH")
    grown = {what: metric(address, name) - before[what] for what, name in names.items()}
    assert grown == {"done": 1, "refused": 1, "sendings": 1, "journal": 1, "calls": 3, "missed": 1}
    eventually(lambda: metric(address, 'terminal_connected{account="paper"}') == 1, "the terminal was looked at")


def test_the_page_tells_a_person(rig: Rig, address: tuple[str, int]) -> None:
    netting = rig.client.account("netting")
    netting.set_state(AccountState.HALTED, reason="<b>fat finger</b>", by="Ada & Co")
    text = get(address, "/").text
    assert "&lt;b&gt;fat finger&lt;/b&gt; (Ada &amp; Co" in text
    assert "<b>" not in text
    netting.set_state(AccountState.ACTIVE, reason="over", by="Ada", clear=True)
    assert "fat finger" not in get(address, "/").text
    assert 'http-equiv="refresh"' in text


def test_health_is_what_the_port_tells(rig: Rig, address: tuple[str, int]) -> None:
    told = json.loads(get(address, "/health").text)
    assert told["status"] == "ok"
    assert told["accounts"].keys() == rig.client.health()["accounts"].keys()
    assert told["connections"]["open"] >= 1


def test_a_bridge_that_cannot_trade_says_so_to_its_watcher(tmp_path: Path) -> None:
    with Rig(tmp_path, account={"login": 99}) as rig:
        url = urlsplit(json.loads(rig.bridge.state_file.read_text())["status"])
        answer = get((HOST, url.port or 0), "/health")
        assert answer.status == 503
        assert "Authorization failed" in json.loads(answer.text)["accounts"]["paper"]["trouble"]


@pytest.mark.parametrize("path", ["/", "/health", "/metrics"])
def test_nothing_is_loaded_run_framed_or_kept(address: tuple[str, int], path: str) -> None:
    headers = get(address, path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers
    assert "Python" not in headers["Server"]
    head = get(address, path, "HEAD")
    assert (head.status, head.text) == (200, "")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil", ""]
)
def test_another_host_name_gets_nothing(address: tuple[str, int], host: str) -> None:
    answer = get(address, "/", Host=host.format(port=address[1]))
    assert answer.status == 421
    assert "paper" not in answer.text


def test_two_host_headers_get_nothing(address: tuple[str, int]) -> None:
    good = f"Host: 127.0.0.1:{address[1]}\r\n".encode()
    assert b" 421 " in raw(address, b"GET / HTTP/1.1\r\n" + good + good + b"Connection: close\r\n\r\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_no_other_method_is_known(address: tuple[str, int], method: str) -> None:
    answer = get(address, "/", method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/etc/passwd", "/../journal.sqlite3", "/health/", "/%2e%2e/bridge.json", "*"])
def test_there_is_nothing_else(address: tuple[str, int], path: str) -> None:
    assert get(address, path).status == 404


@pytest.mark.parametrize(
    "request_bytes",
    [b"\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET /" + b"a" * 70_000,
     b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500 + b"\r\n", b"GET / HTTP/1.1\r\nHost\xff: \x00\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_request_gets_no_page(address: tuple[str, int], request_bytes: bytes) -> None:
    answer = raw(address, request_bytes + b"\r\n")
    assert b"Tradeloom" not in answer
    assert b"Traceback" not in answer


def test_slow_readers_make_place(rig: Rig, address: tuple[str, int]) -> None:
    held = [socket.create_connection(address, timeout=60) for _ in range(40)]
    for connection in held[::2]:
        connection.sendall(b"GET / HT")
    assert get(address, "/metrics").status == 200
    assert rig.broker.tick("EURUSD").bid > 0
    for connection in held:
        connection.close()


def test_it_can_be_left_out(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        document = json.loads(rig.config.read_text())
        rig.bridge.stop()
        rig.config.write_text(json.dumps(document | {"status": {"enabled": False}}))
        rig.restart()
        assert json.loads(rig.bridge.state_file.read_text())["status"] is None
        assert rig.broker.tick("EURUSD").bid > 0


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_browser_styles_it_and_finds_no_fault(address: tuple[str, int]) -> None:
    """The policy must let the page's own style through, and nothing on the page may go against the policy."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        complaints: list[str] = []
        for scheme in ("light", "dark"):
            page = browser.new_page(color_scheme=scheme, viewport={"width": 390, "height": 800})
            page.on("console", lambda message: complaints.append(message.text))
            page.goto(f"http://{HOST}:{address[1]}/")
            assert page.locator("h2", has_text="paper").count() == 1
            background = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert background == {"light": "rgb(246, 247, 249)", "dark": "rgb(20, 23, 28)"}[scheme]
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wider == 0, "nothing sticks out on a telephone"
        assert [text for text in complaints if "favicon" not in text] == []
        browser.close()
