"""What each function may do: fixed by a snapshot, derived from declared effects, and enough for its code."""

import json
import os
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pytest

from infra.access import BY_EFFECT, EVERY_NODE, Access, ConflictingEffects, access_of, takes_credential
from infra.checks import flat
from infra.grants import merged, table_grant
from infra.layers import layers_of
from layers.recipes import BROKER, CODE, CORE, DATABASE, ML, NETWORK, QUANT, SENTIMENT
from tests.infra.conftest import Cloud, listed, plain
from tests.infra.node_sources import used_by
from tradeloom.nodes.base import Effect, Kind, Node, NodeConfig, NodeOutput, setting
from tradeloom.nodes.registry import node_types
from tradeloom.trading.bars import BarsReference
from tradeloom.trading.timeframes import Timeframe

SNAPSHOT = Path(__file__).parent / "snapshots" / "permissions.json"
UPDATE = "TRADELOOM_UPDATE_SNAPSHOTS"


def permissions(cloud: Cloud) -> dict[str, Any]:
    """Per function: its layers, network, environment and what its role allows and denies on which resource."""
    roles = cloud.resources("AWS::IAM::Role", "functions")
    named: dict[str, Any] = {}
    for made in sorted(cloud.resources("AWS::Lambda::Function").values(), key=lambda made: str(made["FunctionName"])):
        role = roles[made["Role"]["Fn::GetAtt"][0]]
        assert "ManagedPolicyArns" not in role
        named[made["FunctionName"]] = {
            "layers": sorted(layer["Ref"].removeprefix("Layers")[:-8].lower() for layer in made["Layers"]),
            "private_network": "VpcConfig" in made,
            "environment": sorted(made["Environment"]["Variables"]),
            **_policy(role),
        }
    return named


def _policy(role: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    said: dict[str, dict[str, list[str]]] = {"allow": {}, "deny": {}}
    for statement in _statements(role):
        for resource in listed(statement["Resource"]):
            actions = said[statement["Effect"].lower()].setdefault(_told(resource), [])
            actions += listed(statement["Action"])
            actions.sort()
    return said


def _statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for policy in role.get("Policies", ()) for one in policy["PolicyDocument"]["Statement"]]


def _told(resource: Any) -> str:
    """A resource by its own name; one that another stack makes, by the output that names it."""
    if isinstance(resource, dict) and "Fn::GetStackOutput" in resource:
        output: str = resource["Fn::GetStackOutput"]["OutputName"]
        return f"{resource['Fn::GetStackOutput']['StackName']}: {output.removeprefix('PublishOutput')}"
    return plain(resource)


def test_permissions_are_those_of_the_snapshot(cloud: Cloud) -> None:
    now = permissions(cloud)
    if os.environ.get(UPDATE):
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    before = json.loads(SNAPSHOT.read_text())
    changed = sorted(name for name in now.keys() | before.keys() if now.get(name) != before.get(name))
    assert not changed, f"permissions of {', '.join(changed)} changed; if that is meant: {UPDATE}=1 pytest tests/infra"


def test_no_action_is_a_wildcard_and_a_resource_only_where_it_must_be(cloud: Cloud) -> None:
    no_resource = {"Traces", "NetworkInterfaces", "Logs"}
    for holder, statement in cloud.statements():
        if statement["Effect"] == "Deny":
            continue
        assert not [action for action in listed(statement["Action"]) if "*" in action], holder
        for resource in map(plain, listed(statement["Resource"])):
            blobs = resource.endswith(("/artefacts/*", "/claims/*"))
            assert "*" not in resource or blobs or statement.get("Sid") in no_resource, f"{holder}: {resource}"


def test_every_roles_policies_fit_in_a_role(cloud: Cloud) -> None:
    """IAM allows 10,240 characters of inline policy a role; the lists of node functions grow with the registry."""
    longest = {"<AWS::Partition>": "aws-us-gov", "<AWS::Region>": "ap-southeast-2", "<AWS::AccountId>": "0" * 12}
    for name, role in cloud.resources("AWS::IAM::Role").items():
        text = json.dumps(
            [{**one, "Resource": [flat(part) for part in listed(one["Resource"])]} for one in _statements(role)]
        )
        for token, value in longest.items():
            text = text.replace(token, value)
        assert len(text.replace(" ", "")) < 10_000, name


def test_nobody_but_the_api_may_write_what_people_write(cloud: Cloud) -> None:
    for name, made in permissions(cloud).items():
        for resource, actions in made["allow"].items():
            written = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"} & set(actions)
            if written and resource.endswith(("tradeloom-workflows", "tradeloom-versions", "tradeloom-credentials")):
                assert name == "tradeloom-api"


def test_functions_in_the_private_network_are_denied_its_interfaces(cloud: Cloud) -> None:
    for name, made in permissions(cloud).items():
        assert bool(made["deny"]) == made["private_network"], name
        if made["private_network"]:
            assert set(made["deny"]["*"]) == {action for action in made["allow"]["*"] if action.startswith("ec2:")}


def test_the_state_machines_role_calls_the_live_alias_of_node_functions_and_no_other(cloud: Cloud) -> None:
    roles = cloud.resources("AWS::IAM::Role", "running").values()
    [role] = [role for role in roles if role["RoleName"] == "tradeloom-state-machine"]
    [invoke] = [
        statement
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
    ]
    aliases = {
        f"arn::lambda:::function:tradeloom-{name.replace('.', '-').replace('_', '-')}:live" for name in node_types()
    }
    assert set(map(plain, invoke["Resource"])) == aliases


class Nothing(NodeConfig):
    pass


class WithCredential(NodeConfig):
    bot: str = setting(title="Bot", help="Its token.", widget="credential", static=True)


class WithBars(NodeConfig):
    bars: BarsReference = setting(title="Bars", help="Which.")


class WithTimeframe(NodeConfig):
    timeframe: Timeframe = setting(Timeframe.H1, title="Timeframe", help="Which.")


class Out(NodeOutput):
    pass


def declared(
    category: str,
    *declared_effects: Effect,
    config: type[NodeConfig] = Nothing,
    output: type[NodeOutput] = Out,
    kind: Kind = Kind.TASK,
) -> type[Node]:
    declared_kind = kind

    class Declared(Node):
        type = f"{category}.thing"
        kind = declared_kind
        effects: ClassVar[frozenset[Effect]] = frozenset(declared_effects)
        Config = config
        Output = output

        def run(self, config: Any, context: Any) -> NodeOutput:
            return Out()

    return Declared


REACHED_BY = MappingProxyType(
    {
        Access.BRIDGE: {"broker", "bars"},
        Access.RUN_STATE: {"before_acting"},
        Access.IDEMPOTENCY: {"http", "mail"},
        Access.READ_VARIABLES: {"variables"},
        Access.WRITE_VARIABLES: {"variables"},
        Access.MODELS: {"models"},
        Access.STARTS: {"sub_workflows"},
        Access.NOTIFICATIONS: {"notify"},
        Access.DATABASE: {"database"},
        Access.CREDENTIALS: {"credential"},
    }
)
"""What of its context a node's code takes to reach it."""


@pytest.mark.parametrize("effect", list(Effect))
def test_every_effect_opens_something_and_a_node_without_effects_only_what_all_have(effect: Effect) -> None:
    assert access_of(declared("utility")) == EVERY_NODE
    opened = access_of(declared("utility", effect))
    assert opened == EVERY_NODE | BY_EFFECT[effect]
    assert opened > EVERY_NODE


def test_a_category_may_mean_less_by_an_effect() -> None:
    assert Access.WRITE_VARIABLES in access_of(declared("utility", Effect.WRITES))
    assert access_of(declared("notify", Effect.WRITES)) == EVERY_NODE | {Access.RUN_STATE, Access.NOTIFICATIONS}
    assert access_of(declared("market", Effect.READS_STATE)) == EVERY_NODE | {Access.BRIDGE}
    assert access_of(declared("database", Effect.READS_STATE)) == EVERY_NODE | {Access.DATABASE}


def test_a_field_that_names_a_credential_opens_the_credentials() -> None:
    node = declared("notify", Effect.NETWORK, config=WithCredential)
    assert takes_credential(node)
    assert Access.CREDENTIALS in access_of(node)
    assert not takes_credential(declared("notify", Effect.NETWORK))


def test_a_triggers_credential_is_not_its_functions_to_read() -> None:
    """Whoever receives the call has checked it before an execution begins."""
    assert access_of(declared("trigger", config=WithCredential, kind=Kind.TRIGGER)) == EVERY_NODE


def test_all_that_may_be_done_to_one_table_stands_in_one_statement() -> None:
    """Two statements of one name are refused by CloudFormation; each keeps the actions it had, on what it had."""
    reading, writing = table_grant("variables", "GetItem", "Query"), table_grant("variables", "GetItem", "PutItem")
    [statement] = merged(reading, writing).statements
    assert statement.sid == "Variables"
    assert statement.actions == ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"]
    assert statement.resources == reading.statements[0].resources
    indexed, bare = table_grant("versions", "Query"), table_grant("versions", "PutItem")
    assert [one.actions for one in merged(indexed, bare).statements] == [["dynamodb:Query"], ["dynamodb:PutItem"]]


@pytest.mark.parametrize(
    ("effects", "config"),
    [
        ((Effect.NETWORK, Effect.READS_MARKET), Nothing),
        ((Effect.NETWORK, Effect.TRADES), Nothing),
        ((Effect.READS_MARKET,), WithCredential),
    ],
)
def test_a_node_may_not_see_the_broker_and_the_internet_at_once(
    effects: tuple[Effect, ...], config: type[NodeConfig]
) -> None:
    with pytest.raises(ConflictingEffects, match=r"thing\.thing would reach the internet and bridge at once"):
        access_of(declared("thing", *effects, config=config))


def test_layers_follow_from_what_is_declared() -> None:
    light = (CORE, CODE)
    assert layers_of(declared("condition")) == light
    assert layers_of(declared("trigger", config=WithTimeframe)) == light
    assert layers_of(declared("order", Effect.TRADES)) == (*light, BROKER)
    assert layers_of(declared("ml", Effect.READS_MARKET, config=WithBars)) == (*light, BROKER, QUANT)
    predicting = declared("ml", Effect.READS_MARKET, Effect.READS_STATE, config=WithBars)
    assert layers_of(declared("notify", Effect.NETWORK)) == (*light, NETWORK)
    assert layers_of(predicting) == (*light, BROKER, QUANT, ML)
    assert layers_of(declared("market", Effect.READS_MARKET, config=WithTimeframe)) == (*light, BROKER, QUANT)


@pytest.mark.parametrize("name", sorted(node_types()))
def test_what_a_node_declares_is_what_its_code_reaches_no_less_and_no_more(name: str) -> None:
    access, reached = access_of(node_types()[name]), used_by(node_types()[name]).reached
    opened = {one for one in Access if one not in EVERY_NODE and one in access}
    needed = {one for one, names in REACHED_BY.items() if names & reached}
    assert needed - opened == set(), f"{name} declares no effect that opens it"
    assert opened - needed == set(), f"{name} declares an effect of which its code makes no use"


@pytest.mark.parametrize("name", sorted(node_types()))
def test_a_function_carries_what_its_code_loads(name: str) -> None:
    node = node_types()[name]
    layers, used = layers_of(node), used_by(node)
    if used.imports & {"numpy", "talib", "pandas"} or "bars" in used.reached:
        assert QUANT in layers, f"{name} handles bars; its configuration and output say nothing of them"
    assert bool(used.reached & {"broker", "bars"}) == (BROKER in layers)
    assert bool(used.imports & {"onnx", "onnxruntime"}) == (ML in layers)
    assert ("database" in used.reached) == (DATABASE in layers)
    assert bool(used.reached & {"http", "mail"}) == (NETWORK in layers) == (Effect.NETWORK in node.effects)


def test_who_reads_texts_carries_the_general_lexicon() -> None:
    assert [name for name, node in node_types().items() if SENTIMENT in layers_of(node)] == ["ml.sentiment"]


def test_the_sources_are_read_helpers_and_lazy_imports_included() -> None:
    rsi, close = (used_by(node_types()[name]) for name in ("indicator.rsi", "order.close"))
    assert "bars" in rsi.reached
    assert "numpy" in rsi.imports
    assert close.reached >= {"broker", "before_acting"}
    assert used_by(node_types()["utility.variables"]).reached == {"before_acting", "variables"}
    assert not used_by(node_types()["condition.range"]).reached
