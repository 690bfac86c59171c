"""The guarded client against real servers: what it takes, and where it stops."""

import gzip
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.network.conftest import Serve, allowing, client
from tests.integration.network.servers import Asked, Authority, HttpServer, redirect, response
from tradeloom.errors import (
    BadResponse,
    NetworkError,
    NetworkFailed,
    NetworkRefused,
    NetworkTimeout,
    ReplyLost,
    RequestTooLarge,
    ResponseTooLarge,
    UntrustedServer,
)
from tradeloom.network.client import GuardedHttp
from tradeloom.network.messages import MAX_REQUEST_BYTES, HttpAnswer, HttpRequest
from tradeloom.network.policy import ALLOW, ROUTES, TRUST, Policy


def get(server: HttpServer, path: str = "/", **how: Any) -> HttpAnswer:
    return client(server).send(HttpRequest("GET", server.url + path, **{"timeout_s": 5.0, "repeatable": True, **how}))


def post(server: HttpServer, **how: Any) -> HttpAnswer:
    return client(server).send(HttpRequest("POST", server.url + "/", **{"timeout_s": 5.0, "body": b"{}", **how}))


class TestExchange:
    def test_a_request_arrives_whole_and_its_answer_comes_back(self, serve: Serve) -> None:
        server = serve(lambda asked: response(201, b'{"id": 7}', "Content-Type: application/json", "X-A: 1", "X-A: 2"))
        request = HttpRequest(
            "POST",
            f"{server.url}/päth?a=1&b=%20#part",
            headers={"X-Mine": "yes"},
            secret_headers={"Authorization": "Bearer t"},
            body="½".encode(),
        )
        answer = client(server).send(request)
        assert (answer.status, answer.body) == (201, b'{"id": 7}')
        assert answer.headers["x-a"] == "1, 2"
        assert answer.elapsed_ms > 0
        [asked] = server.asked
        assert (asked.method, asked.target, asked.body) == ("POST", "/p%C3%A4th?a=1&b=%20", "½".encode())
        assert asked.headers["host"] == f"127.0.0.1:{server.port}"
        assert asked.headers["authorization"] == "Bearer t"
        assert asked.headers["x-mine"] == "yes"
        assert asked.headers["content-length"] == "2"
        assert "cookie" not in asked.headers

    def test_no_cookie_is_kept_and_no_proxy_asked(
        self, serve: Serve, canary: HttpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = serve(lambda asked: response(200, b"", "Set-Cookie: a=b"))
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, canary.url)
        made = client(server)
        for _ in range(2):
            made.send(HttpRequest("GET", server.url))
        assert len(server.asked) == 2
        assert all("cookie" not in asked.headers for asked in server.asked)
        assert canary.connections == 0

    @pytest.mark.parametrize("status", [204, 304])
    def test_answers_without_a_body(self, serve: Serve, status: int) -> None:
        server = serve(lambda asked: f"HTTP/1.1 {status} X\r\nContent-Encoding: gzip\r\n\r\n".encode())
        assert get(server).body == b""

    def test_head_takes_no_body(self, serve: Serve) -> None:
        server = serve(lambda asked: b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nContent-Encoding: gzip\r\n\r\n")
        answer = client(server).send(HttpRequest("HEAD", server.url))
        assert (answer.status, answer.body) == (200, b"")

    def test_interim_answers_are_passed_over(self, serve: Serve) -> None:
        server = serve(lambda asked: b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + response(200, b"ok"))
        assert get(server).body == b"ok"

    def test_until_the_connection_ends(self, serve: Serve) -> None:
        server = serve(lambda asked: b"HTTP/1.1 200 OK\r\n\r\nall there is")
        assert get(server).body == b"all there is"

    def test_an_answer_to_half_a_request(self, serve: Serve) -> None:
        """A server that refuses a large body early and closes is heard, or its silence is told; never an OSError."""

        def early(asked: Asked) -> bytes:
            return response(413, b"too much")

        server = serve(early)
        assert post(server, body=b"x" * 900_000).status == 413


class TestUnpacking:
    @pytest.mark.parametrize(
        ("encoding", "packed"),
        [
            ("gzip", gzip.compress(b"hello" * 100, mtime=0)),
            ("x-gzip", gzip.compress(b"hello" * 100, mtime=0)),
            ("deflate", zlib.compress(b"hello" * 100)),
            ("deflate", zlib.compress(b"hello" * 100, wbits=-15)),
            ("identity", b"hello" * 100),
        ],
    )
    def test_what_was_packed_comes_out(self, serve: Serve, encoding: str, packed: bytes) -> None:
        server = serve(lambda asked: response(200, packed, f"Content-Encoding: {encoding}"))
        assert get(server).body == b"hello" * 100

    @pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
    def test_a_bomb_goes_off_at_its_bound(self, serve: Serve, pack: Any) -> None:
        encoding = "gzip" if pack is gzip.compress else "deflate"
        bomb = pack(b"\0" * 200_000_000, 9)
        server = serve(lambda asked: response(200, bomb, f"Content-Encoding: {encoding}"))
        begun = time.monotonic()
        with pytest.raises(ResponseTooLarge, match="more than 10,000 bytes"):
            get(server, max_bytes=10_000)
        assert time.monotonic() - begun < 30

    def test_cut_takes_the_first_of_a_bomb(self, serve: Serve) -> None:
        bomb = gzip.compress(b"a" * 50_000_000, 9, mtime=0)
        server = serve(lambda asked: response(200, bomb, "Content-Encoding: gzip"))
        assert get(server, max_bytes=1_000, cut=True).body == b"a" * 1_000

    @pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
    def test_what_was_not_asked_for_is_refused(self, serve: Serve, encoding: str) -> None:
        server = serve(lambda asked: response(200, b"x", f"Content-Encoding: {encoding}"))
        with pytest.raises(BadResponse, match="not asked for"):
            get(server)

    @pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(b"hello" * 500, mtime=0)[:-9]])
    def test_broken_packing(self, serve: Serve, body: bytes) -> None:
        server = serve(lambda asked: response(200, body, "Content-Encoding: gzip"))
        with pytest.raises(BadResponse):
            get(server)


class TestLimits:
    def test_a_drip_cannot_stretch_the_time(self, serve: Serve) -> None:
        def drip(asked: Asked) -> Iterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
            for _ in range(1_000):
                time.sleep(0.05)
                yield b"x"

        begun = time.monotonic()
        with pytest.raises(NetworkTimeout, match="was not done within 1 s"):
            get(serve(drip), timeout_s=1.0)
        assert 0.9 < time.monotonic() - begun < 45

    def test_nor_one_of_headers(self, serve: Serve) -> None:
        def drip(asked: Asked) -> Iterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\nX-A: "
            for _ in range(1_000):
                time.sleep(0.05)
                yield b"x"

        begun = time.monotonic()
        with pytest.raises(NetworkTimeout):
            get(serve(drip), timeout_s=1.0)
        assert time.monotonic() - begun < 45

    def test_nor_a_chain_of_redirects(self, serve: Serve) -> None:
        def slow(asked: Asked) -> bytes:
            time.sleep(0.6)
            return redirect("/on")

        begun = time.monotonic()
        with pytest.raises(NetworkTimeout):
            get(serve(slow), timeout_s=1.0)
        assert time.monotonic() - begun < 45

    def test_a_silent_server(self, serve: Serve) -> None:
        def silent(asked: Asked) -> bytes:
            time.sleep(3)
            return b""

        with pytest.raises(NetworkTimeout):
            get(serve(silent), timeout_s=0.5)

    def test_endless_bodies_and_headers_and_interim_answers(self, serve: Serve) -> None:
        def chunks(asked: Asked) -> Iterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            while True:
                yield b"10000\r\n" + b"x" * 65_536 + b"\r\n"

        def headers(asked: Asked) -> Iterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\n"
            while True:
                yield b"X-A: " + b"x" * 4_000 + b"\r\n"

        def interim(asked: Asked) -> Iterator[bytes]:
            while True:
                yield b"HTTP/1.1 100 Continue\r\n\r\n"

        with pytest.raises(ResponseTooLarge, match="more than 2,097,152 bytes"):
            get(serve(chunks))
        with pytest.raises(ResponseTooLarge, match="too large headers"):
            get(serve(headers))
        with pytest.raises(BadResponse):
            get(serve(interim))

    def test_many_headers(self, serve: Serve) -> None:
        server = serve(lambda asked: response(200, b"", *(f"X-{n}: 1" for n in range(300))))
        with pytest.raises(ResponseTooLarge, match="200 headers"):
            get(server)

    def test_a_request_has_its_bound_as_well(self, canary: HttpServer) -> None:
        with pytest.raises(RequestTooLarge):
            post(canary, body=b"x" * (MAX_REQUEST_BYTES + 1))
        assert canary.connections == 0


class TestFaults:
    @pytest.mark.parametrize(
        "answer",
        [
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"\x00\x01\x02",
            b"HTTP/1.1 999999 No\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nBad Header: 1\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        ],
    )
    def test_no_http_is_a_bad_response(self, serve: Serve, answer: bytes) -> None:
        with pytest.raises((BadResponse, NetworkFailed)):
            get(serve(lambda asked: answer))

    @pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", b"HTTP/1.1 200"])
    def test_a_broken_answer_may_be_tried_again_only_where_that_does_no_harm(self, serve: Serve, answer: bytes) -> None:
        server = serve(lambda asked: answer)
        with pytest.raises(NetworkFailed) as failed:
            get(server)
        assert failed.value.sent
        with pytest.raises(ReplyLost, match="not known") as lost:
            post(server)
        assert not lost.value.retryable
        with pytest.raises(NetworkFailed):
            post(server, repeatable=True)

    def test_nobody_listens(self, serve: Serve) -> None:
        server = serve()
        server.__exit__(None, None, None)
        with pytest.raises(NetworkFailed, match="cannot be reached") as failed:
            post(server)
        assert not failed.value.sent

    def test_a_name_that_is_nobodys(self) -> None:
        def nobody(host: str) -> list[str]:
            raise OSError("no such name")

        with pytest.raises(NetworkFailed, match=r"name nobody\.example cannot be resolved"):
            client(resolve=nobody).send(HttpRequest("GET", "https://nobody.example/?token=secret"))

    def test_a_resolver_that_hangs_is_not_waited_for(self) -> None:
        over = threading.Event()

        def hangs(host: str) -> list[str]:
            over.wait(60)
            return ["127.0.0.1"]

        begun = time.monotonic()
        with pytest.raises(NetworkTimeout):
            client(resolve=hangs).send(HttpRequest("GET", "https://slow.example/", timeout_s=0.3))
        assert time.monotonic() - begun < 50
        over.set()

    def test_errors_never_quote_the_url(self, serve: Serve) -> None:
        for answer in (b"", b"nonsense\r\n\r\n", redirect("ftp://x"), response(200, b"x", "Content-Encoding: br")):
            server = serve(lambda asked, said=answer: said)
            with pytest.raises(NetworkError) as raised:
                get(server, "/bot123:SECRET/sendMessage?key=SECRET")
            assert "SECRET" not in str(raised.value) + repr(raised.value)
        assert "SECRET" not in repr(HttpRequest("GET", "https://x/SECRET", secret_headers={"a": "SECRET"}))


class TestTls:
    def test_a_trusted_server(self, serve: Serve, authority: Authority) -> None:
        server = serve(tls=authority.server("127.0.0.1"))
        policy = allowing(server, trust=authority.file)
        assert GuardedHttp(policy).send(HttpRequest("GET", server.url)).body == b"ok"

    def test_the_name_is_what_is_proven_not_the_address(self, serve: Serve, authority: Authority) -> None:
        server = serve(tls=authority.server("shop.example"))
        made = GuardedHttp(allowing(server, trust=authority.file), resolve=lambda host: ["127.0.0.1"])
        assert made.send(HttpRequest("GET", f"https://shop.example:{server.port}/")).body == b"ok"
        assert server.asked[0].headers["host"] == f"shop.example:{server.port}"
        with pytest.raises(UntrustedServer, match=r"other\.example does not prove who it is"):
            made.send(HttpRequest("GET", f"https://other.example:{server.port}/"))
        assert len(server.asked) == 1

    def test_an_unknown_authority(self, serve: Serve, authority: Authority) -> None:
        server = serve(tls=authority.server("127.0.0.1"))
        with pytest.raises(UntrustedServer) as raised:
            client(server).send(HttpRequest("GET", server.url))
        assert TRUST in str(raised.value.hint)
        assert server.asked == []

    def test_tls_to_a_server_without(self, serve: Serve) -> None:
        server = serve(greeting=response(400, b"plain HTTP here"))
        with pytest.raises(NetworkFailed, match="does not speak TLS"):
            client(server).send(HttpRequest("GET", f"https://127.0.0.1:{server.port}/", timeout_s=2.0))


class TestRedirects:
    @pytest.mark.parametrize(
        ("status", "method", "then", "body"),
        [
            (301, "POST", "GET", b""),
            (302, "POST", "GET", b""),
            (303, "POST", "GET", b""),
            (303, "PUT", "GET", b""),
            (301, "PUT", "PUT", b"{}"),
            (307, "POST", "POST", b"{}"),
            (308, "POST", "POST", b"{}"),
            (302, "GET", "GET", b""),
        ],
    )
    def test_methods(self, serve: Serve, status: int, method: str, then: str, body: bytes) -> None:
        server = serve(lambda asked: redirect("/new", status) if asked.target == "/" else response())
        sent = b"" if method == "GET" else b"{}"
        headers = {"Content-Type": "application/json"}
        request = HttpRequest(method, f"{server.url}/", headers=headers, body=sent, repeatable=True)
        answer = client(server).send(request)
        assert answer.url == f"{server.url}/new"
        last = server.asked[-1]
        assert (last.method, last.target, last.body) == (then, "/new", body)
        assert ("content-type" in last.headers) == (then == method)

    def test_a_message_is_not_turned_into_a_question(self, serve: Serve) -> None:
        server = serve(lambda asked: redirect("/new", 302) if asked.target == "/" else response())
        request = HttpRequest("POST", f"{server.url}/", body=b"{}", redirects="keep_method")
        assert client(server).send(request).status == 302
        assert len(server.asked) == 1

    def test_three_are_followed_and_no_more(self, serve: Serve) -> None:
        def count(asked: Asked) -> bytes:
            left = int(asked.target.strip("/"))
            return redirect(f"/{left - 1}") if left else response(200, b"there")

        server = serve(count)
        assert get(server, "/3").body == b"there"
        with pytest.raises(NetworkRefused, match="more than 3 times"):
            get(server, "/4")

    def test_credentials_stay_with_the_first_origin(self, serve: Serve) -> None:
        other = serve()
        first = serve(lambda asked: redirect("/same") if asked.target == "/" else redirect(f"{other.url}/x"))
        request = HttpRequest(
            "GET",
            f"{first.url}/",
            headers={"Cookie": "a=b", "authorization": "mine", "X-Plain": "1"},
            secret_headers={"X-API-Key": "secret"},
        )
        assert client(first, other).send(request).status == 200
        assert all(asked.headers["x-api-key"] == "secret" for asked in first.asked)
        assert len(first.asked) == 2
        [asked] = other.asked
        assert not {"x-api-key", "cookie", "authorization"} & asked.headers.keys()
        assert asked.headers["x-plain"] == "1"

    def test_never_from_https_to_http(self, serve: Serve, authority: Authority, canary: HttpServer) -> None:
        server = serve(lambda asked: redirect(canary.url), tls=authority.server("127.0.0.1"))
        policy = allowing(server, canary, trust=authority.file)
        with pytest.raises(NetworkRefused, match="from https to http"):
            GuardedHttp(policy).send(HttpRequest("GET", server.url))
        assert canary.connections == 0

    @pytest.mark.parametrize(
        "location", ["ftp://x/", "javascript:alert(1)", "http://", "http://a b/", "\\\\x", "//u@x/"]
    )
    def test_to_what_is_no_url(self, serve: Serve, location: str) -> None:
        with pytest.raises((BadResponse, NetworkRefused)):
            get(serve(lambda asked: redirect(location)))


def test_a_route_leads_elsewhere_and_nothing_else_changes(serve: Serve) -> None:
    server = serve(lambda asked: response(200, asked.headers["host"].encode()))
    policy = Policy.of({ALLOW: f"127.0.0.1:{server.port}", ROUTES: f"https://api.telegram.org={server.url}"})
    answer = GuardedHttp(policy).send(HttpRequest("GET", "https://api.telegram.org/bot1:x/getMe?a=b"))
    assert (answer.body, answer.url) == (b"api.telegram.org", "https://api.telegram.org/bot1:x/getMe?a=b")
    assert server.asked[0].target == "/bot1:x/getMe?a=b"
