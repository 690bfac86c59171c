"""Registry, `functions/` and template agree, and every function is made alike."""

import importlib
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from infra.access import PRIVATE, Access, access_of
from infra.checks import flat
from infra.function import LIGHT_MEMORY_MB, MEMORY_MB, node_spec
from infra.grants import PrivateService, Surroundings
from infra.layers import layers_of
from tests.infra.conftest import ROOT, Cloud, Resource
from tests.unit.api.fakes import event
from tradeloom.api.routing import PREFIX as API_PREFIX
from tradeloom.nodes.base import Effect
from tradeloom.nodes.naming import function_name, handler_module
from tradeloom.nodes.registry import node_types

API = "tradeloom-api"
ENVIRONMENT_BYTES = 4096


@pytest.fixture(scope="session")
def functions(cloud: Cloud) -> dict[str, Resource]:
    return {made["FunctionName"]: made for made in cloud.resources("AWS::Lambda::Function").values()}


def test_registry_functions_folder_and_template_agree(functions: dict[str, Resource]) -> None:
    folder = ROOT / "functions" / "nodes"
    files = {f"{path.parent.name}.{path.stem}" for path in folder.glob("*/*.py") if path.stem != "__init__"}
    assert files == set(node_types()), (
        "each node type has functions/nodes/<category>/<node>.py, and nothing else is there"
    )
    assert set(functions) == {function_name(name) for name in node_types()} | {API}


@pytest.mark.parametrize("name", sorted(node_types()))
def test_the_handler_a_function_names_is_the_one_the_local_engine_calls(
    functions: dict[str, Resource], name: str
) -> None:
    made = functions[function_name(name)]
    module, _, attribute = made["Handler"].rpartition(".")
    assert f"functions.{module}" == handler_module(made["FunctionName"])
    assert callable(getattr(importlib.import_module(f"functions.{module}"), attribute))


def test_the_apis_handler_answers_with_the_adapters_its_environment_names(
    functions: dict[str, Resource], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = functions[API]
    monkeypatch.setenv("TRADELOOM_PORTS", "tests.unit.api.fakes:fake_ports")
    assert "TRADELOOM_PORTS" in made["Environment"]["Variables"]
    module, _, attribute = made["Handler"].rpartition(".")
    app = importlib.import_module(f"functions.{module}")
    app._api.cache_clear()  # another test of this process may have made it, with other adapters
    handler = getattr(app, attribute)
    assert handler(event("GET", f"{API_PREFIX}/health"), None)["statusCode"] == 200
    assert handler(event("GET", f"{API_PREFIX}/nowhere"), None)["statusCode"] == 404


@pytest.mark.parametrize("name", sorted(node_types()))
def test_a_function_is_what_its_node_type_declares(functions: dict[str, Resource], name: str) -> None:
    node, made = node_types()[name], functions[function_name(name)]
    carried = {layer["Ref"].removeprefix("Layers")[:-8].lower() for layer in made["Layers"]}
    expected = next((MEMORY_MB[layer] for layer in MEMORY_MB if layer in layers_of(node)), LIGHT_MEMORY_MB)
    assert carried == set(layers_of(node))
    assert made["Timeout"] == node.timeout_s
    assert made["MemorySize"] == expected
    assert node.type in made["Description"]
    tags = {tag["Key"]: tag["Value"] for tag in made["Tags"]}
    assert tags == {"project": "tradeloom", "stage": "dev", "tradeloom:node": name, "tradeloom:tier": node.tier.value}


def test_every_function_is_arm64_python_3_13_traced_and_logs_to_its_own_group(
    cloud: Cloud, functions: dict[str, Resource]
) -> None:
    groups = cloud.resources("AWS::Logs::LogGroup")
    for name, made in functions.items():
        assert made["Architectures"] == ["arm64"]
        assert made["Runtime"] == "python3.13"
        assert made["TracingConfig"] == {"Mode": "Active"}
        assert made["LoggingConfig"]["LogFormat"] == "JSON"
        assert groups[made["LoggingConfig"]["LogGroup"]["Ref"]]["LogGroupName"] == f"/aws/lambda/{name}"


def test_every_function_has_the_alias_live_on_its_newest_version(cloud: Cloud, functions: dict[str, Resource]) -> None:
    versions = cloud.resources("AWS::Lambda::Version")
    aliases = cloud.resources("AWS::Lambda::Alias").values()
    named = cloud.resources("AWS::Lambda::Function")
    called = set()
    for alias in aliases:
        assert alias["Name"] == "live"
        version = versions[alias["FunctionVersion"]["Fn::GetAtt"][0]]
        assert version["FunctionName"] == alias["FunctionName"]
        called.add(named[alias["FunctionName"]["Ref"]]["FunctionName"])
    assert called == set(functions)


def test_a_function_takes_at_most_five_resources_and_no_stack_nears_its_limit(cloud: Cloud) -> None:
    stack = cloud.templates["functions"]["Resources"]
    shared = cloud.resources("AWS::Lambda::LayerVersion", "functions")
    functions = cloud.resources("AWS::Lambda::Function", "functions")
    assert len(stack) - len(shared) <= 5 * len(functions)
    for name, template in cloud.templates.items():
        assert len(template["Resources"]) < 450, f"{name}: CloudFormation allows 500 resources a stack"


def test_environments_are_small_and_hold_no_secret(functions: dict[str, Resource]) -> None:
    for name, made in functions.items():
        variables: dict[str, Any] = made["Environment"]["Variables"]
        size = sum(len(key) + len(flat(value)) for key, value in variables.items())
        assert size < ENVIRONMENT_BYTES, name
        assert variables["TRADELOOM_SERVICES"] == "tradeloom.storage.cloud:services"
        for key, value in variables.items():
            if "SECRET" in key:  # where it is, never what it is
                assert "BridgeClient" in flat(value)
            assert not {"PASSWORD", "TOKEN", "KEY"} & set(key.split("_")), f"{name}: {key}"


def test_trading_functions_stand_in_the_private_network_and_those_with_egress_do_not(
    functions: dict[str, Resource],
) -> None:
    inside = {name for name, made in functions.items() if "VpcConfig" in made}
    access = {function_name(name): access_of(node) for name, node in node_types().items()}
    assert inside == {name for name, reached in access.items() if Access.BRIDGE in reached}
    assert not inside & {function_name(name) for name, node in node_types().items() if Effect.NETWORK in node.effects}
    assert not inside & {name for name, reached in access.items() if Access.CREDENTIALS in reached}
    assert API not in inside
    for name in inside:
        assert "TRADELOOM_BRIDGE_SECRET" in functions[name]["Environment"]["Variables"]


@pytest.mark.parametrize("name", sorted(node_types()))
def test_no_node_reaches_two_private_services(name: str) -> None:
    """A function stands in one group of clients, and that group leads to one service."""
    assert len(access_of(node_types()[name]) & PRIVATE) <= 1


def test_where_there_is_a_database_its_nodes_stand_beside_it() -> None:
    stack = Stack(App())
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0)
    services = [
        PrivateService(ec2.SecurityGroup(stack, f"{name}Clients", vpc=vpc), secretsmanager.Secret(stack, name))
        for name in ("Bridge", "Database")
    ]
    around = Surroundings(vpc=vpc, bridge=services[0], credentials_key=kms.Key(stack, "Key"), database=services[1])
    for name, node in node_types().items():
        spec = node_spec(node, around)
        reaches = Access.DATABASE in access_of(node)
        assert (spec.clients is services[1].clients) == reaches, name
        assert ("TRADELOOM_DATABASE_SECRET" in spec.environment) == reaches, name
