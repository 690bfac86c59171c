"""The example workflows."""

import json
from typing import Any

from tradeloom.local.places import examples_folder

EXAMPLES = sorted(file.stem for file in examples_folder().glob("*.json"))


def read_example(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((examples_folder() / f"{name}.json").read_text(encoding="utf-8"))
    return document
