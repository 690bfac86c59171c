"""The Data and Models screens in a real browser: own tables asked by menus and by SQL, drawn and saved; a model
trained, judged and promoted."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.console.demo_data import fill_tables, signals
from tests.console.screens import go, write
from tests.support.local_machine import RunningMachine

ROWS = 40


@pytest.fixture(scope="module", autouse=True)
def filled(machine: RunningMachine) -> None:
    fill_tables(machine, ROWS)


def open_screen(page: Page, machine: RunningMachine, address: str) -> None:
    page.goto(machine.served.page)
    page.get_by_role("navigation", name="Screens").wait_for()
    go(page, address)


def test_a_table_is_asked_by_menus_drawn_and_saved(page: Page, machine: RunningMachine) -> None:
    open_screen(page, machine, "/data")
    result = page.get_by_role("table", name="Result")
    expect(page.get_by_text(f"{ROWS} rows").first).to_be_visible()
    expect(result.get_by_role("row")).to_have_count(ROWS + 1)

    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_label("Column", exact=True).select_option("symbol")
    page.get_by_label("Value", exact=True).fill("EURUSD")
    page.get_by_label("Group by").select_option("signal")
    page.get_by_role("button", name="Run", exact=True).click()
    euro = [each for each in signals(ROWS) if each["symbol"] == "EURUSD"]
    kinds = {each["signal"] for each in euro}
    expect(result.get_by_role("row")).to_have_count(len(kinds) + 1)
    for kind in kinds:
        count = sum(each["signal"] == kind for each in euro)
        expect(result.get_by_role("row", name=f"{kind} {count}")).to_be_visible()

    page.get_by_role("button", name="Chart").click()
    expect(page.get_by_role("list", name="rows by signal").get_by_role("listitem")).to_have_count(len(kinds))
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    written = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text())))
    assert {row["signal"]: int(row["rows"]) for row in written}.keys() == kinds

    page.reload()  # what stands in the fields is kept
    expect(page.get_by_label("Value", exact=True)).to_have_value("EURUSD")


def test_sql_reads_and_says_what_it_may_not(page: Page, machine: RunningMachine) -> None:
    open_screen(page, machine, "/data")
    page.get_by_role("tab", name="SQL").click()
    sql = page.get_by_role("textbox", name="SQL")
    weeks = "SELECT date_trunc('week', seen_at) AS week, sum(profit) AS profit FROM signals"
    write(page, sql, f"{weeks} WHERE rsi > :least GROUP BY 1")
    page.get_by_label(":least").fill("50")
    sql.press("Control+Enter")
    page.get_by_role("button", name="Chart").click()
    expect(page.get_by_role("img", name="profit by week")).to_be_visible()
    page.get_by_role("button", name="Show as a table").click()
    expect(page.get_by_role("table", name="profit by week").get_by_role("row").nth(1)).to_be_visible()

    write(page, sql, "DELETE FROM signals")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("SELECT")
    assert machine.get("/tables")["items"][0]["rows"] == ROWS


def test_a_model_is_trained_judged_and_promoted(page: Page, machine: RunningMachine) -> None:
    open_screen(page, machine, "/models")
    page.get_by_role("button", name="Train a model").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Training bars").fill("10")
    expect(dialog.get_by_text("500 to 4,400 bars.")).to_be_visible()
    dialog.get_by_label("Training bars").fill("600")
    dialog.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("is trained.")).to_be_visible()
    test = page.get_by_role("region", name="Walk-forward test")
    expect(test.get_by_role("listitem")).to_have_count(6 + 5)
    page.get_by_role("button", name="Promote version").click()
    expect(page.get_by_text("A person promoted this version")).to_be_visible()
    (model,) = machine.get("/models")["items"]
    assert model["promoted"] == model["current"]["version"]
    page.get_by_role("button", name="Use the newest again").click()
    expect(page.get_by_text("Forecasts use the newest version")).to_be_visible()
