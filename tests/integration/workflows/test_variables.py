"""What workflows remember, on the whole machine."""

from tests.integration.workflows.drawing import chain, node, run, run_again
from tests.support.local_machine import RunningMachine


def test_a_counter_counts_from_run_to_run_and_test_mode_does_not_count(machine: RunningMachine) -> None:
    document = chain(node("count", "utility.variables", action="add", name="runs"))
    workflow = machine.post("/workflows", document)
    values = [run_again(machine, workflow["id"])["runs"]["count"]["output"]["value"] for _ in range(3)]
    assert values == [1, 2, 3]
    tested = [run_again(machine, workflow["id"], test_mode=True)["runs"]["count"]["output"]["value"] for _ in range(2)]
    assert tested == [4, 4]
    assert run_again(machine, workflow["id"])["runs"]["count"]["output"]["value"] == 4


def test_a_test_run_sees_its_own_changes(machine: RunningMachine) -> None:
    document = chain(
        node("set", "utility.variables", action="set", name="seen", value="mine", scope="shared"),
        node("get", "utility.variables", name="seen", scope="shared"),
    )
    done = run(machine, document, test_mode=True)
    assert done["runs"]["get"]["output"]["value"] == "mine"
    left = run(machine, chain(node("get", "utility.variables", name="seen", scope="shared", default="none")))
    assert left["runs"]["get"]["output"] == {"name": "seen", "value": "none", "previous": "none", "exists": False}


def test_every_iteration_of_a_loop_adds_once(machine: RunningMachine) -> None:
    add = node("add", "utility.variables", action="add", name="rounds") | {"parent": "rep"}
    seen = node("seen", "utility.transform", source="= nodes.rep")
    done = run(machine, chain(node("rep", "utility.loop", over="count", count=5), seen, add))
    assert [each["value"] for each in done["runs"]["seen"]["output"]["object"]["results"]] == [1, 2, 3, 4, 5]
