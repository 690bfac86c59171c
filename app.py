"""CDK's way in: `python app.py` writes `cdk.out`, with or without the CDK's command line around it."""

import json
import os
import sys
from pathlib import Path

# Read when the CDK starts its Node, which would otherwise print ten lines on the age of version 20 each time.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from aws_cdk import App

from infra.application import build
from tradeloom.errors import TradeloomError

ROOT = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """`arguments` are further context as `key=value`; the CDK's command line passes its own and wins."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    context |= dict(argument.split("=", 1) for argument in arguments)
    app = App(context=context, outdir=os.environ.get("CDK_OUTDIR", str(ROOT / "cdk.out")))
    try:
        build(app)
    except TradeloomError as error:
        print(f"{error.name}: {error.message} {error.hint or ''}".strip(), file=sys.stderr)
        return 2
    try:
        assembly = app.synth()
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise
        # The findings stand above this line already; a trace through the CDK's JavaScript adds nothing to them.
        print(f"Synthesis refused: see {app.outdir}/validation-report.json", file=sys.stderr)
        return 1
    for stack in assembly.stacks:
        print(f"{stack.stack_name:24} {len(stack.template['Resources']):4} resources")
    if any("LayersAreBuilt" in stack.template.get("Rules", {}) for stack in assembly.stacks):
        print("Layers are placeholders, so this cannot be deployed: python -m layers.build")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
