"""The node reference says what the nodes declare, and what is committed is what the nodes say today."""

from pathlib import Path

import pytest

from tradeloom.nodes.catalogue import describe, palette
from tradeloom.nodes.reference import CATEGORIES, page, pages, write
from tradeloom.nodes.registry import node_types

FOLDER = Path(__file__).parents[3] / "docs" / "nodes"
TYPES = list(node_types())


def test_what_is_committed_is_what_the_nodes_say() -> None:
    committed = {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in FOLDER.rglob("*.md")}
    wanted = pages()
    assert committed.keys() == wanted.keys(), "run `make reference`"
    stale = [path for path, text in wanted.items() if committed[path] != text]
    assert stale == [], "run `make reference`"


@pytest.mark.parametrize("node_type", TYPES)
def test_a_page_tells_everything(node_type: str) -> None:
    told, text = describe(node_type), page(node_type)
    for part in (told["title"], node_type, told["description"], told["help"], told["example"]["title"]):
        assert part in text
    for name, field in told["config_schema"].get("properties", {}).items():
        assert f"| `{name}` |" in text
        assert field["description"].replace("|", "\\|") in text
        if "unit" in field:
            assert field["unit"] in text
    for name in told["output_schema"]["properties"]:
        assert f"| `{name}` |" in text
    for port in told["ports"]:
        assert f"`{port['name']}`" in text


@pytest.mark.parametrize("node_type", TYPES)
def test_every_error_says_when(node_type: str) -> None:
    for error in describe(node_type)["errors"]:
        assert error["description"], f"{error['name']} has no docstring"


def test_the_index_lists_every_type_under_its_category() -> None:
    index = pages()["README.md"]
    assert {entry["category"] for entry in palette()} <= CATEGORIES.keys()
    assert all(f"| `{name}` |" in index for name in TYPES)


def test_writing_changes_what_differs_and_removes_what_is_gone(tmp_path: Path) -> None:
    assert write(tmp_path) == sorted(pages())
    assert write(tmp_path) == []
    (tmp_path / "utility" / "gone.md").write_text("old")
    (tmp_path / "README.md").write_text("changed")
    assert write(tmp_path) == ["README.md", "utility/gone.md"]
    assert not (tmp_path / "utility" / "gone.md").exists()
