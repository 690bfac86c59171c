import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.errors import InvalidInput
from tradeloom.network.policy import ALLOW, ROUTES, TRUST, Policy
from tradeloom.network.urls import InvalidUrl, parse_url, redirected


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://Example.COM.:443/a?b#c", "https://example.com/a?b"),
        ("http://example.com:80", "http://example.com/"),
        ("http://example.com:8080/?q=a%20b", "http://example.com:8080/?q=a%20b"),
        ("https://bücher.example/ä?ö=ü", "https://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC"),
        ("https://[2606:4700:4700:0::1111]:8443/", "https://[2606:4700:4700::1111]:8443/"),
        ("http://0x5db8d70e/", "http://93.184.215.14/"),
        ("https://my_host.example/bot1:AB/x", "https://my_host.example/bot1:AB/x"),
    ],
)
def test_reads(text: str, url: str) -> None:
    assert parse_url(text).url == url
    assert parse_url(url).url == url


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_a_typed_error(text: str) -> None:
    for given_text in (text, f"https://{text}", f"https://example.com/{text}", f"https://example.com:{text}"):
        try:
            target = parse_url(given_text)
        except InvalidUrl:
            continue
        assert target.url.isascii()
        assert parse_url(target.url) == target


@given(st.text(max_size=40))
def test_so_is_any_redirect(location: str) -> None:
    base = parse_url("https://example.com/a/b?c")
    try:
        target = redirected(base, location)
    except InvalidUrl:
        return
    assert parse_url(target.url) == target


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x", "https://example.com/x"),
        ("x", "https://example.com/a/x"),
        ("?q", "https://example.com/a/b?q"),
        ("//other.example/x", "https://other.example/x"),
        ("http://other.example", "http://other.example/"),
    ],
)
def test_redirects(location: str, url: str) -> None:
    assert redirected(parse_url("https://example.com/a/b?c"), location).url == url


def test_a_message_never_quotes_what_may_be_secret() -> None:
    for text in (
        "https://user:SECRET@example.com/",
        "https://example.com/ SECRET",
        "https://a:b:SECRET/",
        "https://u:SECRET@ex\u2100mple.com/",
        "SECRET://",
    ):
        with pytest.raises(InvalidUrl) as raised:
            parse_url(text)
        assert "SECRET" not in str(raised.value)


class TestPolicy:
    def test_nothing_is_allowed_by_itself(self) -> None:
        assert Policy.of({}) == Policy()
        assert Policy().allow == frozenset()

    @pytest.mark.parametrize(
        "text", ["127.0.0.1", "127.0.0.1:", "localhost:80", "127.0.0.1:0", "127.0.0.1:70000", "::1"]
    )
    def test_a_wrong_allow_list_names_its_variable(self, text: str) -> None:
        with pytest.raises(InvalidInput) as raised:
            Policy.of({ALLOW: f"10.0.0.1:80,{text}"})
        assert raised.value.field == ALLOW

    @pytest.mark.parametrize("text", ["https://a.example", "https://a.example=ftp://b", "a=b"])
    def test_so_does_a_wrong_route(self, text: str) -> None:
        with pytest.raises(InvalidInput) as raised:
            Policy.of({ROUTES: text})
        assert raised.value.field == ROUTES

    def test_and_a_missing_file(self) -> None:
        with pytest.raises(InvalidInput) as raised:
            Policy.of({TRUST: "/nowhere/ca.pem"})
        assert raised.value.field == TRUST

    def test_networks_and_any_port(self) -> None:
        policy = Policy.of({ALLOW: "10.1.0.0/16:*, [::1]:25"})
        ports = frozenset({443})
        for host, port, refused in (
            ("10.1.2.3", 22, False),
            ("10.2.0.1", 22, True),
            ("::1", 25, False),
            ("::1", 26, True),
        ):
            target = parse_url(f"http://[{host}]/" if ":" in host else f"http://{host}/")
            assert target.address is not None
            assert bool(policy.refusal(target.address, port, ports)) == refused
