"""A hundred payloads through every text a person or a server can bring to the console: nothing runs, nothing is built
of them, and the policy that would stop it stands on every answer."""

import json
from typing import Any, Final

import pytest
from playwright.sync_api import Page, Response

from tests.console.screens import addresses, go, write
from tests.e2e.conftest import PATIENCE_MS, sign_in
from tests.support.local_machine import RunningMachine

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
_LOOK: Final = """() => {
  const built = "[data-xss], img[src=x], iframe, object, embed, base, marquee, script:not([src]), [srcdoc], " +
    "a[href^='javascript:' i], form[action^='javascript:' i]";
  const handled = (each) => [...each.attributes].some(({ name }) => name.startsWith("on"));
  const all = [...document.querySelectorAll("*")];
  return {
    ran: window.__xss ?? null,
    built: all.filter((each) => each.matches(built) || handled(each)).map((each) => each.outerHTML.slice(0, 200)),
    text: document.body.innerText + [...document.querySelectorAll("input, textarea")].map((each) => each.value).join(),
  };
}"""
BEGUN: Final = [payload[:60] for payload in PAYLOADS]
SHOWS: Final = ("/workflows", "/workflows/:id", "/executions", "/executions/:id", "/notifications", "/data")
"""Screens on which payloads must be seen, as text."""


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


@pytest.fixture(scope="module")
def shown(machine: RunningMachine) -> dict[str, str]:
    """The screens' addresses, once every text of the machine is a payload."""
    start = {"id": "start", "type": "trigger.manual"}
    for number, text in enumerate(TOGETHER):
        named = {"name": PAYLOADS[number * 10 + number % 4], "description": text}
        machine.post("/workflows", {**named, "nodes": [start], "connections": []})
    drawn = machine.post("/workflows", _drawn())["id"]
    run = machine.execute(machine.post("/workflows", _told())["id"])
    ended = {each["node"]: each for each in run["node_runs"]}
    for index, short in enumerate(SHORT):
        assert short in ended[f"p{index}"]["error"]["message"]
    assert PAYLOADS[3] in json.dumps(ended["give"]["output"], ensure_ascii=False).replace('\\"', '"')
    return addresses(machine, workflow=drawn, execution=run["id"])


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
        found = page.evaluate(_LOOK)
        assert (found["ran"], found["built"]) == (None, []), pattern
    own = [answer for answer in answers if answer.url.startswith(machine.served.address)]
    for answer in own:
        policy = answer.header_value("content-security-policy") or ""
        assert "script-src 'self';" in policy, answer.url
        assert "default-src 'none'" in policy, answer.url
        assert "unsafe" not in policy, answer.url
    assert len(own) > 20


def test_a_payload_typed_into_the_console_stays_text(
    page: Page, machine: RunningMachine, shown: dict[str, str]
) -> None:
    sign_in(page, machine)
    go(page, "/data")
    page.get_by_role("tab", name="SQL").click()
    for payload in PAYLOADS[:3]:
        write(page, page.get_by_role("textbox", name="SQL"), payload)
        page.get_by_role("button", name="Run", exact=True).click()
        page.get_by_role("alert").wait_for(timeout=PATIENCE_MS)
    found = page.evaluate(_LOOK)
    assert (found["ran"], found["built"]) == (None, [])
