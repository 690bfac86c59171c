"""One synthesis for the whole session; every template test reads what it wrote."""

import os

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")  # read when the CDK starts its Node

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from infra.application import build
from infra.checks import flat

ROOT = Path(__file__).resolve().parents[2]

Resource = dict[str, Any]
Template = dict[str, Any]


@dataclass(frozen=True)
class Cloud:
    """What a synthesis wrote. `templates` are by stack, without the prefix."""

    templates: dict[str, Template]
    report: dict[str, Any]
    acknowledged: dict[str, dict[str, str]]
    """Construct path → rule id → reason."""

    def resources(self, kind: str, stack: str | None = None) -> dict[str, Resource]:
        """Properties of every resource of a type, by logical id."""
        return {
            name: resource.get("Properties", {})
            for key, template in self.templates.items()
            if stack in (None, key)
            for name, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every IAM statement, with the logical id of what holds it."""
        for template in self.templates.values():
            for name, resource in template["Resources"].items():
                properties = resource.get("Properties", {})
                policies: list[dict[str, Any]] = []
                match resource["Type"]:
                    case "AWS::IAM::Role":
                        policies = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
                    case "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy":
                        policies = [properties["PolicyDocument"]]
                for policy in policies:
                    for statement in policy["Statement"]:
                        yield name, statement


def application(out: Path, **context: str) -> App:
    """An app with the feature flags of `cdk.json`, as the command line would give them."""
    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    return App(context={**flags, **context}, outdir=str(out))


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    out = tmp_path_factory.mktemp("cdk")
    app = application(out, layers="placeholder")
    build(app)
    app.synth()
    templates = {
        path.name.removeprefix("tradeloom-").removesuffix(".template.json"): json.loads(path.read_text())
        for path in sorted(out.glob("*.template.json"))
    }
    acknowledged: dict[str, dict[str, str]] = {}
    for path in out.glob("*.metadata.json"):
        for construct, entries in json.loads(path.read_text()).items():
            for entry in entries:
                if entry["type"] == "aws:cdk:acknowledged-rules":
                    acknowledged.setdefault(construct.lstrip("/"), {}).update(entry["data"])
    return Cloud(templates, json.loads((out / "validation-report.json").read_text()), acknowledged)


def listed(value: Any) -> list[Any]:
    """IAM writes one thing bare and several as a list."""
    return value if isinstance(value, list) else [value]


def plain(value: Any) -> str:
    """An ARN or name with its account, region and partition left out."""
    text = flat(value)
    for part in ("<AWS::Partition>", "<AWS::Region>", "<AWS::AccountId>"):
        text = text.replace(part, "")
    return text
