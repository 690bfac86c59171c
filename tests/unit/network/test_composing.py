import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.credentials import CREDENTIALS
from tests.support.fake_network import answer
from tradeloom.errors import BadResponse, CredentialProblem, NodeConfigError
from tradeloom.network.composing import (
    authorization,
    checked_headers,
    checked_url,
    encoded_form,
    encoded_json,
    encoded_text,
    json_of,
    signature,
    text_of,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


class TestHeaders:
    def test_values_as_texts(self) -> None:
        made = checked_headers({"X-A": 1.5, "X-B": True, "X-C": "  ünï "})
        assert made == {"X-A": "1.5", "X-B": "true", "X-C": "ünï"}

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-A": "a\r\nX-B: b"},
            {"X-A": "a\nb"},
            {"X-A": "a\x00b"},
            {"X-A": "a\x85b"},
            {"X A": "b"},
            {"X-A:": "b"},
            {"": "b"},
            {"X\r\nY": "b"},
            {"Host": "evil.example"},
            {"content-length": "0"},
            {"Transfer-Encoding": "chunked"},
            {"Connection": "keep-alive"},
            {"X-A": "b", "x-a": "c"},
            {"X-A": None},
            {"X-A": {"b": 1}},
            {"X-A": float("nan")},
            {"X-A": 10**5000},
            {"X-A": "x" * 10_000},
            {f"X-{number}": "b" for number in range(60)},
        ],
    )
    def test_refused(self, headers: dict[str, Any]) -> None:
        with pytest.raises(NodeConfigError) as raised:
            checked_headers(headers)
        assert str(raised.value.field).startswith("config.headers")

    @settings(max_examples=50)
    @given(st.dictionaries(st.text(max_size=10), ANYTHING, max_size=3))
    def test_whatever_comes_fits_on_one_line_or_is_refused(self, headers: dict[str, Any]) -> None:
        try:
            made = checked_headers(headers)
        except NodeConfigError:
            return
        for name, value in made.items():
            assert f"{name}: {value}".splitlines() == [f"{name}: {value}"] or "\u2028" in value or "\u2029" in value
            assert b"\n" not in value.encode()
            assert b"\r" not in value.encode()


class TestBodies:
    @pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}, object(), {1, 2}])
    def test_what_json_has_no_word_for(self, value: Any) -> None:
        with pytest.raises(NodeConfigError) as raised:
            encoded_json(value)
        assert raised.value.field == "config.body"

    @settings(max_examples=50)
    @given(ANYTHING)
    def test_json_survives_or_is_refused(self, value: Any) -> None:
        try:
            content = encoded_json(value)
        except NodeConfigError:
            return
        assert json.loads(content) == json.loads(json.dumps(value).encode("utf-8", "replace"))

    def test_deep_nesting(self) -> None:
        deep: Any = []
        for _ in range(100_000):
            deep = [deep]
        with pytest.raises(NodeConfigError):
            encoded_json(deep)

    def test_too_large(self) -> None:
        for encode in (encoded_json, encoded_text):
            with pytest.raises(NodeConfigError, match="are the most"):
                encode("x" * 1_100_000)

    @pytest.mark.parametrize("value", [[1], "a=b", 7, {"a": {"b": 1}}, {"a": [[1]]}, {"a": float("nan")}])
    def test_no_form(self, value: Any) -> None:
        with pytest.raises(NodeConfigError):
            encoded_form(value)

    def test_a_form(self) -> None:
        assert encoded_form({"a&b": "c=d", "e": [1, 2], "f": None, "g": "\ud800"}) == b"a%26b=c%3Dd&e=1&e=2&g=%3F"


def test_a_query_is_put_behind_the_one_there_is() -> None:
    assert checked_url("https://a.example/x?y=1#z", {"q": "a&b=c#d", "n": [1, 2]}) == (
        "https://a.example/x?y=1&q=a%26b%3Dc%23d&n=1&n=2"
    )
    with pytest.raises(NodeConfigError) as raised:
        checked_url("https://a.example/", {"q": {"deep": 1}})
    assert raised.value.field == "config.query.q"


class TestCredentials:
    def test_as_they_are_sent(self) -> None:
        assert authorization(CREDENTIALS["api-key"]) == {"X-API-Key": "key-4f1d0a"}
        assert authorization(CREDENTIALS["api-token"]) == {"Authorization": "Bearer token-77aa01"}
        basic = authorization(CREDENTIALS["api-user"])["Authorization"].removeprefix("Basic ")
        assert base64.b64decode(basic) == b"ann:pass-9b2c77"

    @pytest.mark.parametrize("name", ["signing", "mail", "telegram"])
    def test_of_another_kind(self, name: str) -> None:
        with pytest.raises(CredentialProblem) as raised:
            authorization(CREDENTIALS[name])
        assert not any(value in str(raised.value) for value in CREDENTIALS[name].fields.values() if len(value) > 9)

    def test_a_signature_by_hand(self) -> None:
        """`printf '1500000000.{"a":1}' | openssl dgst -sha256 -hmac key`"""
        expected = "818bf7b30162e46d23c538d1e59a6c046c229404475c93ed0d6e34726921aee5"
        made = signature("key", 1_500_000_000, b'{"a":1}')
        assert made["X-Tradeloom-Timestamp"] == "1500000000"
        assert made["X-Tradeloom-Signature"] == f"sha256={expected}"


class TestAnswers:
    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"NaN", b'{"a": Infinity}', b"-Infinity", b"1e999", b"\xff\xfe\xff", b"[" * 100_000, b"9" * 5_000,
         b"[" * 80 + b"]" * 80],
    )  # fmt: skip
    def test_no_json(self, body: bytes) -> None:
        with pytest.raises(BadResponse, match=r"api\.example"):
            json_of(answer(body=body), "api.example")

    @given(st.binary(max_size=200), st.text(max_size=40))
    def test_any_bytes_are_a_text(self, body: bytes, kind: str) -> None:
        assert isinstance(text_of(answer(body=body, headers={"content-type": f"text/plain; charset={kind}"})), str)

    def test_charsets(self) -> None:
        assert (
            text_of(answer(body="½".encode("latin-1"), headers={"content-type": "text/plain; charset=latin-1"})) == "½"
        )
        assert text_of(answer(body="½".encode(), headers={"content-type": 'text/html; charset="utf-8"'})) == "½"
