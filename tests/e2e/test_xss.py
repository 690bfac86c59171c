"""A hundred payloads through every text a person or a server can bring to the console: nothing runs, nothing is built
of them, and the policy that would stop it stands on every answer."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from playwright.sync_api import Page, Response, expect

from tests.console.screens import addresses, go, write
from tests.e2e.conftest import PATIENCE_MS, sign_in
from tests.support.local_machine import RunningMachine
from tests.support.run_traffic import tell
from tradeloom.engine.journal import LogLine, NodeRun
from tradeloom.local.storage import TENANT
from tradeloom.realtime.hub import Hub
from tradeloom.realtime.messages import NodeLog

_RUN: Final = "window.__xss=1"
_VECTORS: Final = (
    f"<script data-xss>{_RUN}</script>",
    f"<img data-xss src=x onerror={_RUN}>",
    f"<svg data-xss onload={_RUN}>",
    f"<svg data-xss><script>{_RUN}</script></svg>",
    f"<svg><animate data-xss onbegin={_RUN} attributeName=x>",
    f'<iframe data-xss srcdoc="<script>parent.{_RUN}</script>"></iframe>',
    f"<iframe data-xss src=javascript:parent.{_RUN}></iframe>",
    f"<body data-xss onload={_RUN}>",
    f"<input data-xss autofocus onfocus={_RUN}>",
    f"<details data-xss open ontoggle={_RUN}>x</details>",
    f"<video data-xss><source onerror={_RUN}></video>",
    f"<audio data-xss src=x onerror={_RUN}>",
    f"<a data-xss href=javascript:{_RUN}>x</a>",
    f"<form data-xss action=javascript:{_RUN}><button>x",
    f"<object data-xss data=javascript:{_RUN}>",
    f"<embed data-xss src=javascript:{_RUN}>",
    f"<math data-xss><mtext><img src=x onerror={_RUN}>",
    f"<style data-xss>@import 'x';*{{}}</style><p onclick={_RUN}>",
    f"<base data-xss href=//x.invalid/><b onmouseover={_RUN}>x",
    f"<meta data-xss http-equiv=refresh content=0;url=javascript:{_RUN}>",
    f"<template data-xss><img src=x onerror={_RUN}></template>",
    f"<noscript><p title='</noscript><img data-xss src=x onerror={_RUN}>'>",
    f"<marquee data-xss onstart={_RUN}>x</marquee>",
    f"javascript:{_RUN}//",
    f"${{{_RUN}}}`;{_RUN};`",
)
_CONTEXTS: Final = ("{}", '">{}', "'>{}<!--", "</title></textarea>{}")
PAYLOADS: Final = [context.format(vector) for vector in _VECTORS for context in _CONTEXTS]
SHORT: Final = [("<svg onload=__xss={}>", "<img src=x onerror=__xss={}>")[n % 2].format(n) for n in range(10)]
"""As long as an instrument's name may be."""
TOGETHER: Final = [" ".join(PAYLOADS[first : first + 10]) for first in range(0, len(PAYLOADS), 10)]
"""All of them in ten texts: where one text of the machine costs time."""
_LOOK: Final = """(within) => {
  const built = "[data-xss], img[src=x], iframe, object, embed, base, marquee, script:not([src]), [srcdoc], " +
    "a[href^='javascript:' i], form[action^='javascript:' i]";
  const handled = (each) => [...each.attributes].some(({ name }) => name.startsWith("on"));
  const all = [...(within ?? document).querySelectorAll("*")];
  return {
    ran: window.__xss ?? null,
    built: all.filter((each) => each.matches(built) || handled(each)).map((each) => each.outerHTML.slice(0, 200)),
  };
}"""
BEGUN: Final = [payload[:60] for payload in PAYLOADS]
SHOWS: Final = (
    "/workflows/:id", "/executions", "/executions/:id", "/accounts", "/accounts/:id", "/data", "/credentials",
)  # fmt: skip
"""Screens on which payloads must be seen, as text."""
SHOWS_ALL: Final = ("/workflows", "/notifications")
"""Screens on which each of them must be."""
_EACH_LINE: Final = f"""async () => {{
  const look = {_LOOK};
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const log = document.querySelector("[role=log]");
  const panel = log.closest("[role=tabpanel]");
  const texts = [], built = [], seen = new Set();
  log.scrollTop = -log.scrollHeight;
  await painted();
  for (let before = 1; log.scrollTop !== before; await painted()) {{
    before = log.scrollTop;
    for (const seq of [...log.querySelectorAll("[data-seq]")].map((each) => each.dataset.seq)) {{
      const line = log.querySelector(`[data-seq="${{seq}}"] button`);
      if (line === null || seen.has(seq)) continue;
      seen.add(seq);
      line.click();
      await painted();
      texts.push(line.textContent, panel.querySelector("pre")?.textContent ?? "");
      built.push(...look(panel).built);
    }}
    log.scrollTop += log.clientHeight / 2;
  }}
  return {{ text: texts.join("\\n"), built, ran: window.__xss ?? null }};
}}"""
"""Opens each line of the log: its message, and its fields."""


_EACH_NODE: Final = f"""async (count) => {{
  const look = {_LOOK};
  const texts = [], built = [];
  for (const row of [...document.querySelectorAll("[role=tabpanel] tbody tr")].slice(0, count)) {{
    row.click();
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    texts.push(document.querySelector("main").textContent);
    built.push(...look(document.querySelector("main")).built);
  }}
  return {{ text: texts.join("\\n"), built, ran: window.__xss ?? null }};
}}"""
"""Shows the details of the first nodes of an execution: their errors."""


def _grid(index: int) -> dict[str, int]:
    return {"x": index % 10 * 260, "y": index // 10 * 140}


def _fan(name: str, nodes: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """All nodes behind one start."""
    start = {"id": "start", "type": "trigger.manual", "position": {"x": -300, "y": 0}}
    placed = [{**node, "position": _grid(index)} for index, node in enumerate(nodes)]
    return {
        "name": name,
        "nodes": [start, *placed],
        "connections": [{"source": "start", "target": node["id"]} for node in nodes if "parent" not in node],
        **more,
    }


def _drawn() -> dict[str, Any]:
    """Names, notes and settings of nodes."""
    nodes = [
        {
            "id": f"n{index}",
            "type": "utility.transform",
            "name": payload,
            "notes": payload,
            "config": {"rules": [{"op": "set", "path": "value", "value": payload}]},
        }
        for index, payload in enumerate(PAYLOADS)
    ]
    return _fan(PAYLOADS[0], nodes, description=PAYLOADS[1])


def _told() -> dict[str, Any]:
    """Outputs, failures whose messages repeat what was asked for, notifications, and rows of an own table."""
    give = {
        "id": "give",
        "type": "utility.transform",
        "name": PAYLOADS[2],
        "config": {"rules": [{"op": "set", "path": "texts", "value": PAYLOADS}]},
    }
    fail = [
        {
            "id": f"p{index}",
            "type": "market.live_price",
            "name": short,
            "on_error": "continue",
            "config": {"symbol": short},
        }
        for index, short in enumerate(SHORT)
    ]
    tell = [
        {"id": f"t{index}", "type": "notify.dashboard", "name": text, "config": {"title": text, "message": message}}
        for index, (text, message) in enumerate(zip(PAYLOADS, TOGETHER, strict=False))
    ]
    keep = [
        {"id": f"k{index}", "type": "database.save", "config": {"table": "texts", "object": {"said": text}}}
        for index, text in enumerate(TOGETHER)
    ]
    return _fan(PAYLOADS[5], [give, *fail, *tell, *keep])


async def _journaled(machine: RunningMachine, like: str, drawn: dict[str, Any], name: str, *, ended: bool) -> None:
    """An execution of what was drawn, with a payload in every text an engine may record: errors, lines, fields."""
    journal = machine.machine.journal
    row = await journal.execution(TENANT, like)
    assert row is not None
    asked: dict[str, Any] = {"id": name, "dedupe_key": None, "workflow_id": drawn["id"], "version": drawn["version"]}
    made = replace(row, **asked, status="RUNNING", finished_at=None, error=None, output=None)
    assert await journal.create(made)
    for number, text in enumerate(TOGETHER):
        node: dict[str, Any] = {"execution_id": name, "path": f"n{number}", "node": f"n{number}", "state": f"n{number}"}
        error = {"name": PAYLOADS[number], "message": text, "cause": text}
        when: dict[str, Any] = {"started_at": row.created_at, "finished_at": row.created_at, "duration_ms": 1.0}
        seqs: dict[str, Any] = {"started_seq": 2 * number + 1, "finished_seq": 2 * number + 2}
        journal.record(NodeRun(**node, **when, **seqs, attempt=0, kind="task", status="FAILED", error=error))
    first = 2 * len(TOGETHER) + 1
    for number, text in enumerate(PAYLOADS if ended else []):
        told: dict[str, Any] = {"level": ("info", "warning", "error", "debug")[number % 4], "message": text}
        fields = {text: text, "deep": [{"said": text}]}
        journal.record(
            LogLine(execution_id=name, seq=first + number, time=row.created_at, node=f"n{number % 10}", iteration=[],
                    fields=fields, **told)
        )  # fmt: skip
    if ended:
        error = {"name": PAYLOADS[4], "message": TOGETHER[0], "node": "n0"}
        last = first + len(PAYLOADS)
        journal.record(replace(made, status="FAILED", finished_at=row.created_at, error=error, last_seq=last))
    await journal.barrier(name)


@pytest.fixture(scope="module")
def drawn(machine: RunningMachine) -> dict[str, Any]:
    made: dict[str, Any] = machine.post("/workflows", _drawn())
    return made


@pytest.fixture(scope="module")
def ran(machine: RunningMachine) -> dict[str, Any]:
    """A run that the engine made itself."""
    done: dict[str, Any] = machine.execute(machine.post("/workflows", _told())["id"])
    ended = {each["node"]: each for each in done["node_runs"]}
    for index, short in enumerate(SHORT):
        assert short in ended[f"p{index}"]["error"]["message"]
    assert PAYLOADS[3] in json.dumps(ended["give"]["output"], ensure_ascii=False).replace('\\"', '"')
    return done


@pytest.fixture(scope="module")
def shown(machine: RunningMachine, drawn: dict[str, Any], ran: dict[str, Any]) -> dict[str, str]:
    """The screens' addresses, once every text of the machine is a payload."""
    start = {"id": "start", "type": "trigger.manual"}
    for text in PAYLOADS:
        machine.post("/workflows", {"name": text, "description": text, "nodes": [start], "connections": []})
        credential = {"name": text, "kind": "http_bearer", "fields": {"token": "canary-0123456789"}}
        machine.post("/credentials", credential)
    for account in ("paper", "paper-test"):
        machine.post(f"/accounts/{account}/kill", {"reason": TOGETHER[0][:500]})
    machine.on_loop(_journaled(machine, ran["id"], drawn, "xss-ended", ended=True))
    return addresses(machine, workflow=drawn["id"], execution="xss-ended", other=ran["id"])


def test_nothing_of_them_runs_or_is_built_on_any_screen(
    page: Page, machine: RunningMachine, shown: dict[str, str]
) -> None:
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    sign_in(page, machine)
    for pattern, address in shown.items():
        go(page, address)
        if pattern in SHOWS:
            page.wait_for_function("texts => texts.some((each) => document.body.innerText.includes(each))", arg=BEGUN)
        if pattern in SHOWS_ALL:
            page.wait_for_function("texts => texts.every((each) => document.body.innerText.includes(each))", arg=BEGUN)
        _nothing_came_of_it(page, pattern)
    own = [answer for answer in answers if answer.url.startswith(machine.served.address)]
    for answer in own:
        policy = answer.header_value("content-security-policy") or ""
        assert "script-src 'self';" in policy, answer.url
        assert "default-src 'none'" in policy, answer.url
        assert "unsafe" not in policy, answer.url
    assert len(own) > 20


def test_names_of_secrets_stay_text_page_by_page(page: Page, machine: RunningMachine, shown: dict[str, str]) -> None:
    sign_in(page, machine)
    go(page, shown["/credentials"])
    _nothing_came_of_it(page, "the first page")
    told = page.locator("main").inner_text()
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_role("button", name="Next page")).to_be_disabled()
    _nothing_came_of_it(page, "the second page")
    told += page.locator("main").inner_text()
    assert [text for text in BEGUN if text not in told] == []


def _nothing_came_of_it(page: Page, where: str) -> None:
    found = page.evaluate(_LOOK)
    assert (found["ran"], found["built"]) == (None, []), where


def test_a_run_of_payloads_stays_text_in_its_lines_its_fields_and_its_errors(
    page: Page, machine: RunningMachine, shown: dict[str, str], ran: dict[str, Any]
) -> None:
    sign_in(page, machine)
    go(page, shown["/executions/:id"])
    expect(page.get_by_role("tabpanel", name="Log").get_by_text(f"{len(PAYLOADS)} lines")).to_be_visible()
    log = page.evaluate(_EACH_LINE)
    assert (log["ran"], log["built"]) == (None, [])
    said = log["text"].replace('\\"', '"')
    for payload in PAYLOADS:
        assert said.count(payload) >= 4, payload  # its message, the field's name and value, and the one within
    page.get_by_role("tab", name="Nodes").click()
    expect(page.get_by_role("table", name="Node runs")).to_be_visible()
    details = page.evaluate(_EACH_NODE, len(TOGETHER))
    assert (details["ran"], details["built"]) == (None, [])
    assert [text for text in TOGETHER if text not in details["text"]] == []
    for tab in ("Timeline", "Orders and trades", "Why no trade?"):
        page.get_by_role("tab", name=tab).click()
        _nothing_came_of_it(page, tab)
    # What the engine recorded of such a run by itself: outputs, errors, rows.
    go(page, f"/executions/{ran['id']}")
    page.locator(".node-card").first.click()
    _nothing_came_of_it(page, "a run's node")


def test_lines_that_come_while_one_looks_stay_text(
    page: Page, machine: RunningMachine, drawn: dict[str, Any], ran: dict[str, Any]
) -> None:
    machine.on_loop(_journaled(machine, ran["id"], drawn, "xss-live", ended=False))
    sign_in(page, machine)
    go(page, "/executions/xss-live")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    hub = machine.machine.run_events
    assert isinstance(hub, Hub)
    head: dict[str, Any] = {"execution_id": "xss-live", "workflow_id": drawn["id"], "time": datetime.now(UTC)}
    lines = [
        NodeLog(
            **head, seq=100 + number, node=f"n{number % 10}", iteration=[], level="info", message=text,
            fields={text: text},
        )
        for number, text in enumerate(PAYLOADS)
    ]  # fmt: skip
    machine.on_loop(tell(hub, iter(lines), per_s=500))
    expect(page.get_by_role("tabpanel", name="Log").get_by_text(f"{len(PAYLOADS)} lines")).to_be_visible()
    log = page.evaluate(_EACH_LINE)
    assert (log["ran"], log["built"]) == (None, [])
    said = log["text"].replace('\\"', '"')
    assert [payload for payload in PAYLOADS if said.count(payload) < 3] == []
    _nothing_came_of_it(page, "the live log")


def test_a_payload_typed_into_the_console_stays_text(
    page: Page, machine: RunningMachine, shown: dict[str, str]
) -> None:
    sign_in(page, machine)
    go(page, "/data")
    page.get_by_role("tab", name="SQL").click()
    for payload in [*PAYLOADS[:2], f'SELECT * FROM "{SHORT[0]}"']:
        write(page, page.get_by_role("textbox", name="SQL"), payload)
        page.get_by_role("button", name="Run", exact=True).click()
        page.get_by_role("alert").wait_for(timeout=PATIENCE_MS)
    _nothing_came_of_it(page, "the data's SQL")
