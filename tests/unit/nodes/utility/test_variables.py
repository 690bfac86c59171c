import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.fake_variables import FakeVariables
from tests.support.node_context import FakeContext
from tradeloom.errors import Conflict, ExecutionStopped, MissingInput, NodeConfigError, NotANumber
from tradeloom.nodes.utility.variables import VariablesConfig, VariablesNode, VariablesOutput


def act(context: FakeContext, **config: Any) -> VariablesOutput:
    return VariablesNode().run(VariablesConfig.model_validate({"name": "x", **config}), context)


class TestGet:
    def test_what_is_not_there(self) -> None:
        context = FakeContext()
        assert act(context) == VariablesOutput(name="x", value=None, previous=None, exists=False)
        assert act(context, default=7) == VariablesOutput(name="x", value=7, previous=7, exists=False)
        assert context.acted == 0

    def test_what_an_earlier_run_left(self) -> None:
        variables = FakeVariables()
        act(FakeContext(execution_id="one", variables=variables), action="set", value={"side": "buy"})
        assert act(FakeContext(execution_id="two", variables=variables)).value == {"side": "buy"}


class TestChanges:
    def test_set_tells_what_was_there(self) -> None:
        variables = FakeVariables()
        act(FakeContext(execution_id="1", variables=variables), action="set", value=1)
        made = act(FakeContext(execution_id="2", variables=variables), action="set", value=2)
        assert (made.value, made.previous, made.exists) == (2, 1, True)

    def test_null_and_remove_take_away(self) -> None:
        for how in ({"action": "set", "value": None}, {"action": "remove"}):
            variables = FakeVariables()
            act(FakeContext(execution_id="1", variables=variables), action="set", value=1)
            made = act(FakeContext(execution_id="2", variables=variables), **how)
            assert (made.value, made.previous, made.exists) == (None, 1, False)

    def test_add_starts_from_the_default(self) -> None:
        assert act(FakeContext(), action="add").value == 1
        assert act(FakeContext(), action="add", value=-2.5, default=10).value == 7.5

    @given(amounts=st.lists(st.integers(-1000, 1000), min_size=1, max_size=20))
    def test_every_run_counts(self, amounts: list[int]) -> None:
        variables = FakeVariables()
        for number, amount in enumerate(amounts):
            made = act(FakeContext(execution_id=str(number), variables=variables), action="add", value=amount)
        assert made.value == sum(amounts)

    def test_a_node_that_runs_again_adds_once(self) -> None:
        context = FakeContext()
        first = act(context, action="add")
        assert act(context, action="add") == first
        assert "twice" in context.logs[-1]["message"]

    def test_each_iteration_of_a_loop_adds(self) -> None:
        variables = FakeVariables()
        made = [act(FakeContext(iteration=(n,), variables=variables), action="add").value for n in range(3)]
        assert made == [1, 2, 3]

    def test_a_rival_between_reading_and_writing_is_not_lost(self) -> None:
        variables = FakeVariables()
        rivals = iter(["r1", "r2"])

        def rival() -> None:
            variables.rivals = lambda: None
            name = next(rivals, None)
            if name is not None:
                act(FakeContext(execution_id=name, variables=variables), action="add", value=10)

        variables.rivals = rival
        assert act(FakeContext(execution_id="own", variables=variables), action="add", value=1).value == 11

    def test_rivals_that_never_rest(self) -> None:
        variables = FakeVariables()
        context = FakeContext(variables=variables)

        def always() -> None:
            known = variables.kept.get(("workflow/wf-1", "x"))
            variables.kept["workflow/wf-1", "x"] = type(variables.read("a", "b"))(1, known.revision + 1 if known else 1)

        variables.rivals = always
        with pytest.raises(Conflict):
            act(context, action="add")

    def test_append_keeps_the_latest(self) -> None:
        variables = FakeVariables()
        for number in range(5):
            made = act(
                FakeContext(execution_id=str(number), variables=variables), action="append", value=number, keep=3
            )
        assert made.value == [2, 3, 4]


class TestScopes:
    def test_each_sees_its_own(self) -> None:
        variables = FakeVariables()

        def context(**who: Any) -> FakeContext:
            return FakeContext(execution_id=str(len(variables.effects)), variables=variables, **who)

        for scope in ("workflow", "account", "shared"):
            act(context(), action="set", scope=scope, value=scope)
        assert act(context(workflow_id="other"), scope="workflow").value is None
        assert act(context(workflow_id="other"), scope="account").value == "account"
        assert act(context(account="demo"), scope="account").value is None
        assert act(context(account="demo", workflow_id="other"), scope="shared").value == "shared"


class TestRefusals:
    def test_a_stopped_execution_writes_nothing(self) -> None:
        context = FakeContext(stopped=True)
        with pytest.raises(ExecutionStopped):
            act(context, action="set", value=1)
        assert context.variables.kept == {}

    @pytest.mark.parametrize("value", ["1", True, [1], math.inf])
    def test_what_is_no_number_cannot_be_added(self, value: Any) -> None:
        with pytest.raises(NotANumber) as caught:
            act(FakeContext(), action="add", value=value)
        assert caught.value.field == "config.value"

    def test_nothing_is_added_to_a_text_or_appended_to_a_number(self) -> None:
        variables = FakeVariables()
        act(FakeContext(execution_id="1", variables=variables), action="set", value="text")
        with pytest.raises(NotANumber, match='"text"'):
            act(FakeContext(execution_id="2", variables=variables), action="add")
        with pytest.raises(NodeConfigError, match='"text"'):
            act(FakeContext(execution_id="3", variables=variables), action="append", value=1)

    def test_a_sum_too_large(self) -> None:
        variables = FakeVariables()
        act(FakeContext(execution_id="1", variables=variables), action="set", value=1.7e308)
        with pytest.raises(NotANumber, match="too large"):
            act(FakeContext(execution_id="2", variables=variables), action="add", value=1.7e308)

    def test_nothing_to_append(self) -> None:
        with pytest.raises(MissingInput):
            act(FakeContext(), action="append", value=None)

    @pytest.mark.parametrize(
        "config", [{"action": "set"}, {"action": "append"}, {"name": " "}, {"name": "x" * 101}, {"keep": 0}]
    )
    def test_bad_configurations(self, config: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            act(FakeContext(), **config)
