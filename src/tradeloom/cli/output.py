"""What the command line says: tables for people, JSON for programs, errors as sentence, place, and what to do."""

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from functools import wraps
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tradeloom.errors import (
    BrokerTimeout,
    BrokerUnavailable,
    Conflict,
    InvalidInput,
    NotFound,
    StorageUnavailable,
    TradeloomError,
)

WIDE = 200
"""What is piped is not wrapped as if somebody looked at it."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDE)


class Exit(IntEnum):
    OK = 0
    FAILED = 1
    USAGE = 2
    INVALID = 3
    ENVIRONMENT = 4
    INTERNAL = 5
    INTERRUPTED = 130


def exit_code(error: TradeloomError) -> Exit:
    """The code a script sees."""
    if isinstance(error, StorageUnavailable | BrokerUnavailable | BrokerTimeout | Conflict):
        return Exit.ENVIRONMENT
    if isinstance(error, InvalidInput | NotFound):
        return Exit.INVALID
    return Exit.ENVIRONMENT if error.http_status >= 500 else Exit.INVALID


def say_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def stop(code: Exit) -> NoReturn:
    raise typer.Exit(int(code))


def told[**P, R](command: Callable[P, R]) -> Callable[P, R]:
    """A command whose errors are told, not traced: `--json` is read from its `as_json` option."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        as_json = bool(kwargs.get("as_json"))
        try:
            return command(*args, **kwargs)
        except TradeloomError as error:
            say_error(error, as_json=as_json)
            stop(exit_code(error))
        except KeyboardInterrupt:
            err.print("[dim]interrupted[/]")
            stop(Exit.INTERRUPTED)
        except BrokenPipeError:
            sys.stderr.close()  # the reader has gone: nothing more can be said
            stop(Exit.OK)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:
            logging.getLogger(__name__).exception("a command failed")
            fault = TradeloomError(
                f"Tradeloom itself failed: {type(error).__name__}: {error}",
                hint="This is a fault of ours; please report it with what you did.",
            )
            say_error(fault, as_json=as_json)
            stop(Exit.INTERNAL)

    return run


def say_error(error: TradeloomError, *, as_json: bool) -> None:
    """The sentence, where, and what to do; with `as_json` one object on standard output."""
    if as_json:
        say_json({"error": error.as_dict()})
        return
    err.print(Text.assemble(("✕ ", "bold red"), (f"{error.name}: ", "bold red"), error.message))
    where = [part for part in (error.node and f"node {error.node}", error.field) if part]
    if where:
        err.print(Text.assemble("  where  ", (", ".join(where), "cyan")))
    if error.hint:
        err.print(Text.assemble("  do     ", error.hint))
    problems = error.as_dict().get("problems")
    if problems:
        err.print(problem_table(problems))


def problem_table(problems: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=True, header_style="dim")
    for name in ("", "where", "what", "what to do"):
        table.add_column(name, overflow="fold")
    for problem in problems:
        is_error = problem.get("severity", "error") == "error"
        where = " · ".join(str(problem[key]) for key in ("node", "field") if problem.get(key))
        mark = Text("✕", "red") if is_error else Text("!", "yellow")
        table.add_row(mark, Text(where, "cyan"), Text(str(problem["message"])), Text(str(problem.get("hint") or "")))
    return table


def plain_table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


class Steps:
    """Progress, a line a step: `· starting PostgreSQL … 0.3 s`. Silent when a program reads."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        import time

        begun = time.monotonic()
        if self._quiet:
            yield
            return
        if err.is_terminal:
            with err.status(escape(what)):
                yield
        else:
            yield
        err.print(Text.assemble(("✓ ", "green"), what, (f"  {time.monotonic() - begun:.1f} s", "dim")))
