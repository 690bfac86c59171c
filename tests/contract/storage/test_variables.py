"""What nodes remember: one suite for every adapter."""

import asyncio
from dataclasses import asdict
from typing import Any

import pytest

from tests.contract.storage.conftest import OpenStores, run
from tradeloom.engine.questions import Asker
from tradeloom.engine.variables import VariableAnswers
from tradeloom.errors import Conflict, InvalidInput
from tradeloom.nodes.variables import MAX_VALUE_BYTES, Variable

WHERE = ("acme", "shared", "peak")


def asker(**changes: Any) -> Asker:
    values = {"tenant": "acme", "workflow_id": "w", "execution_id": "e1", "version": "v", "node": "n"}
    return Asker(**{**values, "account": "paper", "test_mode": False, "manual": False, **changes})


@run
async def test_a_value_is_read_as_written(open_variables: OpenStores) -> None:
    async with open_variables() as variables:
        assert await variables.read(*WHERE) == Variable(None, 0)
        before = None
        for number, value in enumerate([0, 1.5, "£ \u0000 \u2028", [1, {"a": None}], {"": []}, False], start=1):
            assert await variables.write(*WHERE, value) == Variable(value, number, before)
            before = value
            assert await variables.read(*WHERE) == Variable(value, number)
    async with open_variables() as others:
        assert (await others.read(*WHERE)).value is False


@run
async def test_each_tenant_scope_and_key_has_its_own(open_variables: OpenStores) -> None:
    async with open_variables() as variables:
        await variables.write(*WHERE, 1)
        for other in [("globex", "shared", "peak"), ("acme", "workflow/1", "peak"), ("acme", "shared", "low")]:
            assert await variables.read(*other) == Variable(None, 0)


@run
async def test_null_takes_away_and_revisions_go_on(open_variables: OpenStores) -> None:
    async with open_variables() as variables:
        await variables.write(*WHERE, 1)
        assert await variables.write(*WHERE, None) == Variable(None, 2, 1)
        assert await variables.keys("acme", "shared") == []
        with pytest.raises(Conflict):
            await variables.write(*WHERE, 5, expected=0)
        assert await variables.write(*WHERE, 5, expected=2) == Variable(5, 3)


@run
async def test_only_the_expected_revision_is_replaced(open_variables: OpenStores) -> None:
    async with open_variables() as variables:
        with pytest.raises(Conflict):
            await variables.write(*WHERE, 1, expected=3)
        await variables.write(*WHERE, 1, expected=0)
        with pytest.raises(Conflict):
            await variables.write(*WHERE, 2, expected=0)
        assert await variables.read(*WHERE) == Variable(1, 1)


@run
async def test_of_many_at_once_one_wins_each_revision(open_variables: OpenStores) -> None:
    async with open_variables() as one, open_variables() as other:

        async def add(variables: Any) -> None:
            while True:
                known = await variables.read(*WHERE)
                try:
                    await variables.write(*WHERE, (known.value or 0) + 1, expected=known.revision)
                    return
                except Conflict:
                    continue

        await asyncio.gather(*(add(variables) for _ in range(10) for variables in (one, other)))
        assert await one.read(*WHERE) == Variable(20, 20)


@run
async def test_an_effect_happens_once(open_variables: OpenStores) -> None:
    async with open_variables() as one, open_variables() as other:
        written = await asyncio.gather(*(v.write(*WHERE, n, effect="x") for n, v in enumerate([one, other] * 5)))
        assert sum(not each.repeated for each in written) == 1
        assert len({each.value for each in written}) == 1
        assert (await one.read(*WHERE)).revision == 1
        await one.write(*WHERE, "later", effect="y")
        again = await other.write(*WHERE, "again", effect="x")
        assert (again.value, again.previous, again.repeated) == (written[0].value, None, True)
        assert (await one.read(*WHERE)).value == "later"
        assert not (await one.write("globex", "shared", "peak", 1, effect="x")).repeated


@run
async def test_a_refused_write_leaves_its_effect_free(open_variables: OpenStores) -> None:
    async with open_variables() as variables:
        with pytest.raises(Conflict):
            await variables.write(*WHERE, 1, expected=9, effect="x")
        assert await variables.write(*WHERE, 2, effect="x") == Variable(2, 1)


@run
async def test_keys_are_listed_by_prefix(open_variables: OpenStores) -> None:
    async with open_variables() as variables:
        for key in ("b", "a_2", "a_1", "A", "a%"):
            await variables.write("acme", "shared", key, 1)
        assert await variables.keys("acme", "shared") == ["A", "a%", "a_1", "a_2", "b"]
        assert await variables.keys("acme", "shared", "a_") == ["a_1", "a_2"]


class TestAnswers:
    @run
    async def test_a_test_run_changes_nothing_real(self, open_variables: OpenStores) -> None:
        async with open_variables() as variables:
            answers = VariableAnswers(variables).answers()
            await answers["variables.write"](asker(), {"scope": "shared", "key": "peak", "value": 10})
            tested = asker(test_mode=True)
            read = {"scope": "shared", "key": "peak"}
            assert await answers["variables.read"](tested, read) == asdict(Variable(10, 1))
            await answers["variables.write"](tested, {**read, "value": 99, "expected": 1, "effect": "x"})
            await answers["variables.write"](tested, {"scope": "shared", "key": "new", "value": 1})
            assert (await answers["variables.read"](tested, read))["value"] == 99
            assert await answers["variables.keys"](tested, {"scope": "shared"}) == ["new", "peak"]
            assert (await answers["variables.read"](asker(), read))["value"] == 10
            assert (await answers["variables.read"](asker(test_mode=True, execution_id="e2"), read))["value"] == 10
            assert await answers["variables.keys"](asker(), {"scope": "shared"}) == ["peak"]
            assert not (await answers["variables.write"](asker(), {**read, "value": 11, "effect": "x"}))["repeated"]

    @pytest.mark.parametrize(
        "body",
        [{}, {"scope": "s"}, {"scope": "", "key": "k"}, {"scope": "s", "key": "k" * 201}, {"scope": 1, "key": "k"}],
    )
    @run
    async def test_bad_names_are_refused(self, open_variables: OpenStores, body: dict[str, Any]) -> None:
        async with open_variables() as variables:
            with pytest.raises(InvalidInput):
                await VariableAnswers(variables).answers()["variables.write"](asker(), {**body, "value": 1})

    @run
    async def test_a_value_has_its_limit(self, open_variables: OpenStores) -> None:
        async with open_variables() as variables:
            write = VariableAnswers(variables).answers()["variables.write"]
            with pytest.raises(InvalidInput, match="larger"):
                await write(asker(), {"scope": "s", "key": "k", "value": "x" * MAX_VALUE_BYTES})
