"""CDK's way in: `python app.py` writes `cdk.out`, with or without the CDK's command line around it."""

import json
import sys
from pathlib import Path

from aws_cdk import App

from infra.application import build
from tradeloom.errors import TradeloomError

ROOT = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """`arguments` are further context as `key=value`; the CDK's command line passes its own and wins."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    context |= dict(argument.split("=", 1) for argument in arguments)
    app = App(context=context, outdir=str(ROOT / "cdk.out"))
    try:
        build(app)
    except TradeloomError as error:
        print(f"{error.name}: {error.message} {error.hint or ''}".strip(), file=sys.stderr)
        return 2
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
