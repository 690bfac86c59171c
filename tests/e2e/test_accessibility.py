"""axe-core over every screen: in light all its rules, in dark those of colour. No serious or critical violation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.console.demo_data import TRAINING, fill_tables
from tests.console.screens import addresses, go, patterns
from tests.e2e.conftest import PATIENCE_MS, sign_in
from tests.support.local_machine import RunningMachine

AXE: Final = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
BAD: Final = ("serious", "critical")
_RUN: Final = """async (only) => {
  const found = await axe.run(document, { resultTypes: ["violations"], ...(only ? { runOnly: only } : {}) });
  return found.violations.map(({ id, impact, help, nodes }) =>
    ({ id, impact, help, where: nodes.slice(0, 4).map((each) => `${each.target.join(" ")} ${each.failureSummary}`) }));
}"""


@pytest.fixture(scope="module")
def shown(machine: RunningMachine) -> dict[str, str]:
    """The screens' addresses, with something on each of them."""
    fill_tables(machine, 20)
    machine.post("/model-trainings", TRAINING | {"training_bars": 500})
    (workflow,) = [each["id"] for each in machine.get("/workflows")["items"] if "RSI" in each["name"]]
    runs = [machine.execute(workflow)["id"] for _ in range(2)]
    return addresses(machine, workflow=workflow, execution=runs[0], other=runs[1])


@pytest.fixture(scope="module", params=["light", "dark"])
def tab(request: pytest.FixtureRequest, browser: Browser, machine: RunningMachine) -> Iterator[tuple[Page, str]]:
    """One tab for all screens of a theme: each is opened within the page, as people do."""
    theme: Literal["light", "dark"] = request.param
    context = browser.new_context(
        viewport={"width": 1280, "height": 860},
        color_scheme=theme,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    sign_in(page, machine)
    page.evaluate(AXE.read_text())
    yield page, theme
    context.close()


@pytest.mark.parametrize("pattern", patterns())
def test_a_screen_has_no_serious_violation(tab: tuple[Page, str], shown: dict[str, str], pattern: str) -> None:
    page, theme = tab
    go(page, shown[pattern])
    found: list[dict[str, Any]] = page.evaluate(_RUN, None if theme == "light" else ["color-contrast"])
    bad = [each for each in found if each["impact"] in BAD]
    told = "\n".join(
        f"{each['id']} ({each['impact']}): {each['help']}\n  " + "\n  ".join(each["where"]) for each in bad
    )
    assert not bad, told
