"""Undelivered kills as they are kept: one suite for every adapter."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.storage.conftest import OpenStores, run
from tradeloom.engine.kill_wishes import STRICTNESS, KillWish

AT = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)


def wish(id: str = "w1", mode: Any = "pause", **other: Any) -> KillWish:
    told: dict[str, Any] = {
        "tenant": "acme",
        "account": "paper",
        "reason": "the news – “wrong” £",
        "by": "me",
        "wished_at": AT,
    } | other
    return KillWish(id=id, mode=mode, **told)


@run
async def test_a_wish_outlives_who_kept_it(open_kill_wishes: OpenStores) -> None:
    async with open_kill_wishes() as wishes:
        assert await wishes.all("acme") == []
        await wishes.keep(wish())
        await wishes.keep(wish("w2", account="live"))
        await wishes.keep(wish("w3", tenant="globex"))
    async with open_kill_wishes() as wishes:
        assert await wishes.all("acme") == [wish("w2", account="live"), wish()]
        assert await wishes.all("globex") == [wish("w3", tenant="globex")]


@pytest.mark.parametrize("first", STRICTNESS)
@pytest.mark.parametrize("then", STRICTNESS)
@run
async def test_the_strictest_stays_and_of_equals_the_first(open_kill_wishes: OpenStores, first: Any, then: Any) -> None:
    tenant = f"{first} and {then}"
    one = wish("first", first, tenant=tenant)
    other = wish("then", then, tenant=tenant, reason="another", by="you")
    async with open_kill_wishes() as wishes:
        await wishes.keep(one)
        await wishes.keep(other)
        stricter = STRICTNESS.index(then) > STRICTNESS.index(first)
        assert await wishes.all(tenant) == [other if stricter else one]


@run
async def test_delivered_ends_that_wish_alone_and_withdrawn_any(open_kill_wishes: OpenStores) -> None:
    async with open_kill_wishes() as wishes:
        await wishes.keep(wish("old", "reduce", tenant="ends"))
        await wishes.keep(wish("new", "flatten", tenant="ends"))
        await wishes.keep(wish("other", account="live", tenant="ends"))
        await wishes.drop(wish("old", "reduce", tenant="ends"))
        assert [each.id for each in await wishes.all("ends")] == ["other", "new"]
        await wishes.drop(wish("new", "flatten", tenant="ends"))
        await wishes.drop(wish("new", "flatten", tenant="ends"))
        assert [each.id for each in await wishes.all("ends")] == ["other"]
        await wishes.withdraw("globex", "live")
        assert [each.id for each in await wishes.all("ends")] == ["other"]
        await wishes.withdraw("ends", "live")
        await wishes.withdraw("ends", "live")
        assert await wishes.all("ends") == []


@run
async def test_text_the_database_cannot_hold_does_not_lose_a_kill(open_kill_wishes: OpenStores) -> None:
    async with open_kill_wishes() as wishes:
        await wishes.keep(wish(tenant="odd", reason="odd \u0000 \ud800 text"))
        (kept,) = await wishes.all("odd")
    assert kept.reason.startswith("odd ")
