"""cdk-nag, and the acknowledgements it asks for: each on the construct it is about, with its reason."""

import json
from typing import Any

from aws_cdk import Acknowledgment, App, Stack, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct

PACK = "AwsSolutions"


def attach(app: App) -> None:
    """Check every stack of the app during synthesis; a finding that is not acknowledged fails it."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept one rule on one construct (and what it is made of). `reason` must be true and specific."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"{PACK}::{PACK}-{rule}", reason=reason))


def acknowledge_resource(construct: IConstruct, resource: str, reason: str) -> None:
    """Accept one wildcard resource in a construct's policies."""
    found = flat(Stack.of(construct).resolve(resource))
    acknowledge(construct, f"IAM5[Resource::{found}]", reason)


def flat(value: Any) -> str:
    """A resolved CloudFormation value as one string, the way cdk-nag names it in findings."""
    match value:
        case str():
            return value.replace("${", "<").replace("}", ">")
        case {"Fn::Join": [str(delimiter), list(items)]}:
            return delimiter.join(flat(item) for item in items)
        case {"Fn::Sub": inner}:
            return flat(inner)
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{flat(resource)}.{flat(attribute)}>"
        case {"Fn::ImportValue": inner}:
            return flat(inner)
        case {"Ref": name}:
            return f"<{name}>"
        case _:
            return json.dumps(value, separators=(",", ":"))
