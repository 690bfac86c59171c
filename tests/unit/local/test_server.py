"""The local server's own duties: token, host, origin, caps, headers, the page. The API behind it is a fake."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.unit.api.fake_workflows import DOCUMENT
from tests.unit.api.fakes import fake_ports
from tradeloom.api.app import Api
from tradeloom.api.resolver import MAX_BODY_BYTES
from tradeloom.local.pages import load_pages
from tradeloom.local.server import LocalServer

pytestmark = pytest.mark.enable_socket  # an event loop has a pair of its own

TOKEN = "t" * 43
HOST = "127.0.0.1:8420"
AUTH = {"authorization": f"Bearer {TOKEN}"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> str:
        name: str = json.loads(self.body)["error"]["name"]
        return name


Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a build leaves, in small."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "assets").mkdir()
    (folder / ".vite").mkdir()
    index = (
        '<!doctype html><meta property="csp-nonce" nonce="__CSP_NONCE__">'
        '<script type="module" src="/static/assets/a.js"></script>'
    )
    files = {"index.html": index, "icon.svg": "<svg/>", "assets/a.js": "1", "assets/a.css": "a{}", ".vite/m.json": "{}"}
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def server(console: Path) -> LocalServer:
    return LocalServer(Api(fake_ports()), load_pages(console), token=TOKEN, port=8420)


@pytest.fixture
def ask(server: LocalServer) -> Ask:
    def send(
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        host: str = HOST,
        query: str = "",
        chunks: list[bytes] | None = None,
    ) -> Answer:
        given = {"host": host, **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode("latin-1"),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given.items()],
            "client": ("127.0.0.1", 5),
        }
        return asyncio.run(_exchange(server, scope, chunks if chunks is not None else [body]))

    return send


async def _exchange(server: LocalServer, scope: dict[str, Any], chunks: list[bytes]) -> Answer:
    sent: list[Any] = []
    parts = iter(chunks)
    left = len(chunks)

    async def receive() -> dict[str, Any]:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": next(parts), "more_body": left > 0}

    async def send(message: Any) -> None:
        sent.append(message)

    await server(scope, receive, send)
    headers = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, sent[1]["body"])


def test_the_api_answers_to_the_token(ask: Ask) -> None:
    answer = ask("GET", "/api/agentic/workflows", headers=AUTH)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer wrong", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"]
)
def test_without_the_token_the_api_is_closed(ask: Ask, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    answer = ask("GET", "/api/agentic/workflows", headers=headers)
    assert (answer.status, answer.error) == (401, "Unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_claims_cannot_be_sent_by_the_client(ask: Ask) -> None:
    headers = {"x-amzn-oidc-data": "x", "custom:tenant_id": "local", "sub": "local"}
    assert ask("GET", "/api/agentic/workflows", headers=headers).status == 401


@pytest.mark.parametrize(
    "host", ["evil.example:8420", "127.0.0.1", "127.0.0.1:80", "localhost:9999", "", "127.0.0.1:8420.evil.example"]
)
@pytest.mark.parametrize("path", ["/", "/api/agentic/workflows"])
def test_a_name_that_was_made_to_point_here_is_refused(ask: Ask, host: str, path: str) -> None:
    answer = ask("GET", path, headers=AUTH, host=host)
    assert (answer.status, answer.error) == (403, "Forbidden")


@pytest.mark.parametrize("host", ["127.0.0.1:8420", "localhost:8420", "[::1]:8420"])
def test_its_own_names_are_taken(ask: Ask, host: str) -> None:
    assert ask("GET", "/", host=host).status == 200


def test_a_request_names_one_host(server: LocalServer) -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [(b"host", HOST.encode()), (b"host", b"evil.example")],
    }
    assert asyncio.run(_exchange(server, scope, [b""])).status == 400


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:8420", "http://127.0.0.1:9999"])
def test_a_foreign_page_may_not_ask(ask: Ask, origin: str) -> None:
    answer = ask("POST", "/api/agentic/workflows", headers={**AUTH, "origin": origin}, body=b"{}")
    assert (answer.status, answer.error) == (403, "Forbidden")


def test_its_own_page_may_ask(ask: Ask) -> None:
    headers = {**AUTH, "origin": f"http://{HOST}", "content-type": "application/json"}
    answer = ask("POST", "/api/agentic/workflows", headers=headers, body=json.dumps(DOCUMENT).encode())
    assert answer.status == 201
    assert answer.headers["etag"]


def test_no_answer_allows_another_origin_to_read_it(ask: Ask) -> None:
    for path in ("/", "/api/agentic/workflows"):
        answer = ask("GET", path, headers={**AUTH, "origin": f"http://{HOST}"})
        assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_body_is_capped_by_what_is_told_and_by_what_comes(ask: Ask) -> None:
    told = ask("POST", "/api/agentic/workflows", headers={**AUTH, "content-length": str(MAX_BODY_BYTES + 1)})
    assert (told.status, told.error) == (413, "BodyTooLarge")
    came = ask("POST", "/api/agentic/workflows", headers=AUTH, chunks=[b"x" * MAX_BODY_BYTES, b"x", b"never read"])
    assert (came.status, came.error) == (413, "BodyTooLarge")


def test_bytes_that_are_no_text_are_told_as_such(ask: Ask) -> None:
    answer = ask("POST", "/api/agentic/workflows", headers=AUTH, body=b"\xff\xfe\x00")
    assert (answer.status, answer.error) == (400, "MalformedRequest")


@pytest.mark.parametrize("query", ["limit=x", "&".join(f"a{n}=1" for n in range(60)), "%zz=%ff"])
def test_strange_queries_get_typed_answers(ask: Ask, query: str) -> None:
    assert ask("GET", "/api/agentic/workflows", headers=AUTH, query=query).status in {200, 400, 422}


def test_the_page_is_served_under_a_strict_policy(ask: Ask) -> None:
    answer = ask("GET", "/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    text = answer.body.decode()
    assert "style=" not in text
    assert "onclick" not in text
    assert '<script type="module" src=' in text
    assert text.count("<script") == 1


def test_each_page_has_a_number_of_its_own_for_its_styles(ask: Ask) -> None:
    nonces = set()
    for _ in range(2):
        answer = ask("GET", "/")
        nonce = re.search(r'nonce="([^"]+)"', answer.body.decode())
        assert nonce is not None
        assert f"style-src 'self' 'nonce-{nonce[1]}'" in answer.headers["content-security-policy"]
        assert "script-src 'self';" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        nonces.add(nonce[1])
    assert len(nonces) == 2


@pytest.mark.parametrize("path", ["/static/assets/a.js", "/static/assets/a.css", "/static/icon.svg", "/favicon.ico"])
def test_every_file_of_the_build_is_served(ask: Ask, path: str) -> None:
    answer = ask("GET", path)
    assert answer.status == 200
    assert not answer.headers["content-type"].startswith("application/octet-stream")
    assert ("immutable" in answer.headers["cache-control"]) is ("assets" in path)


def test_without_a_build_the_page_says_what_to_do(tmp_path: Path) -> None:
    pages = load_pages(tmp_path)
    assert list(pages) == ["/"]
    assert b"make console" in pages["/"].content


def test_a_file_already_known_is_not_sent_again(ask: Ask) -> None:
    first = ask("GET", "/static/assets/a.js")
    again = ask("GET", "/static/assets/a.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_a_head_has_no_body(ask: Ask) -> None:
    answer = ask("HEAD", "/")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/../home.py",
        "/static/..%2fhome.py",
        "/etc/passwd",
        "/index.html",
        "/static/.vite/m.json",
        "/api",
    ],
)
def test_nothing_else_is_served(ask: Ask, path: str) -> None:
    answer = ask("GET", path)
    assert (answer.status, answer.error) == (404, "NoSuchRoute")


def test_a_page_takes_no_posts(ask: Ask) -> None:
    answer = ask("POST", "/")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_the_openapi_document_needs_no_token(ask: Ask) -> None:
    answer = ask("GET", "/api/agentic/openapi.json")
    assert answer.status == 200
    assert json.loads(answer.body)["openapi"].startswith("3.1")
