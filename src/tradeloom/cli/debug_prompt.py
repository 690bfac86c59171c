"""The prompt of `tradeloom debug`: commands in, what happens out. It reads a person's lines or a script's."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from rich.console import Console
from rich.text import Text

from tradeloom.api.models.executions import FINISHED, Execution
from tradeloom.cli.trace import say_end, telling
from tradeloom.errors import InvalidInput, TradeloomError

WAIT_S: Final = 20
HELP: Final = """\
step [NODE]        let one node run, and pause before the next          (s)
continue [NODE]    go on to the next breakpoint, or the end             (c)
run-to NODE        go on, and pause before that node                    (r)
inputs [NODE]      what a paused node sees, and its settings' values    (i)
output NODE        what a node gave                                     (o)
set PATH=VALUE     change it: nodes.rsi.value=25, config.period=10, item=3
reset              take what was set back
skip JSON [PORT]   give this in place of running the node
at NODE            choose among several paused nodes
break [NODE…]      pause before these too, or list where it pauses
unbreak NODE…      do not pause before these any more
where              where it is paused                                   (w)
stop               end it                                               (q)"""
_SHORT: Final = {"s": "step", "n": "step", "c": "continue", "r": "run-to", "i": "inputs", "o": "output"} | {
    "w": "where", "q": "stop", "quit": "stop", "exit": "stop", "h": "help", "?": "help",
}  # fmt: skip
_MARKS: Final = {"succeeded": ("✓", "green"), "failed": ("✕", "bold red"), "running": ("…", "blue")}

Session = dict[str, Any]


class Door(Protocol):
    """A debugged execution, in this process or behind an API. Answers are `DebugSession`s as JSON."""

    def do(self, command: Mapping[str, Any]) -> Session: ...


class Prompt:
    """Goes through commands until the execution has ended. With `strict`, one that fails ends it too."""

    def __init__(self, console: Console, door: Door, session: Session, *, strict: bool) -> None:
        self.session = session
        self._console = console
        self._door = door
        self._strict = strict
        self._chosen: str | None = None
        self._told: set[tuple[str, tuple[int, ...]]] = set()
        self._commands: Mapping[str, Callable[[str], None]] = {
            "step": self._step,
            "continue": self._continue,
            "run-to": self._run_to,
            "inputs": self._inputs,
            "output": self._output,
            "set": self._set,
            "reset": lambda rest: self._do("reset", node=self._node(rest), show=True),
            "skip": self._skip,
            "at": self._at,
            "break": self._break,
            "unbreak": self._unbreak,
            "where": lambda rest: self._where(),
            "stop": lambda rest: self._do("stop"),
            "help": lambda rest: self._console.print(Text(HELP, "dim")),
        }

    @property
    def ended(self) -> bool:
        return self.session["execution"]["status"] in FINISHED

    def run(self, lines: Iterable[str]) -> None:
        """Raises what a command fails with when strict."""
        self._tell()
        for line in lines:
            text = line.strip()
            if text and not text.startswith("#"):
                self._obey(text)
            if self.ended:
                return
        self._console.print(Text("no more commands: it is stopped", "yellow"))
        self._do("stop")

    def _obey(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        name = _SHORT.get(word.lower(), word.lower())
        try:
            if name not in self._commands:
                raise InvalidInput(f"There is no command {word!r}.", hint="`help` lists them.")
            self._commands[name](rest.strip())
        except TradeloomError as error:
            if self._strict:
                raise
            hint = f" {error.hint}" if error.hint else ""
            self._console.print(Text(f"{error.message}{hint}", "red"), soft_wrap=True)

    # -- commands -----------------------------------------------------------------------------------------------

    def _step(self, rest: str) -> None:
        self._do("step", node=self._node(rest))

    def _continue(self, rest: str) -> None:
        self._do("continue", node=rest or None)

    def _run_to(self, rest: str) -> None:
        self._do("run_to", to=_needed(rest, "run-to NODE"))

    def _inputs(self, rest: str) -> None:
        self._show(self._paused(self._node(rest)))

    def _output(self, rest: str) -> None:
        wanted = _needed(rest, "output NODE")
        runs = [run for run in self.session["execution"]["node_runs"] if run["node"] == wanted]
        if not runs:
            raise InvalidInput(f"{wanted!r} has not run.", field="node")
        for run in runs:
            told = run["error"] if run["error"] is not None else run["output"]
            self._console.print(f"{run['state']}  {_pretty(told)}", markup=False, soft_wrap=True)

    def _set(self, rest: str) -> None:
        path, equals, value = rest.partition("=")
        if not equals or not path.strip():
            raise InvalidInput("What to set is not said.", hint="Such as: set nodes.rsi.value=25")
        self._do("set", node=self._node(""), values={path.strip(): _value(value.strip())}, show=True)

    def _skip(self, rest: str) -> None:
        try:
            output, end = json.JSONDecoder().raw_decode(_needed(rest, "skip JSON [PORT]"))
        except (ValueError, RecursionError) as error:
            hint = 'Such as: skip {"result": true} true'
            raise InvalidInput(f"The output is not JSON: {error}.", hint=hint) from error
        self._do("skip", node=self._node(""), output=output, port=rest[end:].strip() or "main")

    def _at(self, rest: str) -> None:
        self._chosen = self._paused(_needed(rest, "at NODE"))["node"]
        self._where()

    def _break(self, rest: str) -> None:
        if rest:
            self._do("breakpoints", breakpoints=sorted({*self.session["breakpoints"], *rest.split()}), quiet=True)
        self._console.print(Text(f"pauses before: {', '.join(self.session['breakpoints']) or 'nothing'}", "dim"))

    def _unbreak(self, rest: str) -> None:
        left = sorted(set(self.session["breakpoints"]) - set(_needed(rest, "unbreak NODE").split()))
        self._do("breakpoints", breakpoints=left, quiet=True)
        self._break("")

    def _do(self, action: str, *, show: bool = False, quiet: bool = False, **more: Any) -> None:
        command = {"action": action, **{key: value for key, value in more.items() if value is not None}}
        if action not in {"set", "reset", "breakpoints"}:
            command["wait_s"] = WAIT_S
        self.session = self._door.do(command)
        if show:
            self._show(self._paused(self._node("")))
        elif not quiet:
            self._tell()

    # -- where it is --------------------------------------------------------------------------------------------

    def _node(self, named: str) -> str:
        """The node that is meant: the one named, else the one chosen, else the first that is paused."""
        if named:
            return named
        places = [each["node"] for each in self.session["paused"]]
        if self._chosen in places:
            return str(self._chosen)
        if not places:
            raise InvalidInput("It is not paused.", hint="`continue` waits on, `stop` ends it.")
        return str(places[0])

    def _paused(self, node: str) -> dict[str, Any]:
        found = next((each for each in self.session["paused"] if each["node"] == node), None)
        if found is None:
            where = ", ".join(each["node"] for each in self.session["paused"]) or "nowhere"
            raise InvalidInput(f"It is not paused before {node!r}.", hint=f"It is paused before: {where}.")
        return dict(found)

    def _tell(self) -> None:
        """What ran since the last time, then where it is paused, or how it ended."""
        for run in self.session["execution"]["node_runs"]:
            place = run["node"], tuple(run["iteration"])
            if run["state"] in {"succeeded", "failed"} and place not in self._told:
                self._told.add(place)
                self._console.print(_ran(run), soft_wrap=True)
        if self.ended:
            say_end(self._console, Execution.model_validate(self.session["execution"]))
        else:
            self._where()

    def _where(self) -> None:
        if not self.session["paused"]:
            self._console.print(Text("  … it runs or waits", "blue"))
        current = self._node("") if self.session["paused"] else None
        for each in self.session["paused"]:
            turn = f" #{'.'.join(str(step + 1) for step in each['iteration'])}" if each["iteration"] else ""
            mark = ("▶", "bold yellow") if each["node"] == current else ("‖", "yellow")
            name = (f" before {each['name']}{turn}", "bold")
            self._console.print(Text.assemble("  ", mark, name, f"  {each['node']}  ", (each["type"], "cyan")))

    def _show(self, paused: Mapping[str, Any]) -> None:
        """What a node is about to get."""
        self._console.print(Text.assemble((paused["name"], "bold"), f"  {paused['node']}  ", (paused["type"], "cyan")))
        for other, record in sorted(paused["inputs"].items()):
            told = telling(record["output"]) if record["state"] == "succeeded" else record["state"]
            self._console.print(Text.assemble("  ", (f"nodes.{other}", "green"), f"  {told}"), soft_wrap=True)
        if paused["index"] is not None:
            self._console.print(Text.assemble("  ", ("item", "green"), f"  {_pretty(paused['item'])}"), soft_wrap=True)
        for each in paused["config"]:
            if (each["written"], each["value"], each["error"]) == (None, None, None):
                continue  # left unset
            self._console.print(_setting(each), soft_wrap=True)
        for path, value in paused["edited"].items():
            self._console.print(Text(f"  set: {path} = {_pretty(value)}", "yellow"), soft_wrap=True)


def _ran(run: Mapping[str, Any]) -> Text:
    mark, style = _MARKS.get(run["state"], ("?", ""))
    if run["error"] is not None:
        told = f"{run['error']['name']}: {run['error']['message']}"
    else:
        port = "" if run["port"] in (None, "main") else f"→ {run['port']}  "
        told = port + telling(run["output"])
    given = f"  ({run['given'].replace('_', ' ')})" if run["given"] else ""
    return Text.assemble(
        "  ", (mark, style), f" {run['name']}  ", (run["type"], "cyan"), (given, "yellow"), f"  {told}"
    )


def _setting(each: Mapping[str, Any]) -> Text:
    name = (f"config.{each['field']}" if each["field"] else "config", "green")
    if each["error"] is not None:
        return Text.assemble("  ", name, f"  {each['written']}  ", (each["error"], "red"))
    written = each["written"]
    same = written is None or written == each["value"]
    return Text.assemble("  ", name, f"  {_pretty(each['value'])}", ("" if same else f"  ← {written}", "dim"))


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _value(text: str) -> Any:
    """JSON, or else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _needed(rest: str, usage: str) -> str:
    if not rest:
        raise InvalidInput("Something is missing.", hint=f"It is: {usage}")
    return rest
