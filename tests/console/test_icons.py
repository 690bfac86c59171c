"""The console draws a picture for each name a node type gives: `web/src/editor/canvas/icons.ts`."""

import re
from pathlib import Path

from tradeloom.nodes.registry import node_types

PLACE = Path(__file__).parents[2] / "web/src/editor/canvas/icons.ts"


def test_the_console_has_the_pictures_that_node_types_name_and_no_others() -> None:
    listed = re.search(r"const ICONS: [^=]*= \{(.*?)\n\};", PLACE.read_text(), re.DOTALL)
    assert listed is not None

    names = re.findall(r'^  "?([a-z0-9-]+)"?: ', listed[1], re.MULTILINE)

    assert sorted(names) == sorted({node.icon for node in node_types().values()})
