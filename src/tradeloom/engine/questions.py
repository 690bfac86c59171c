"""What a running handler may ask the engine for, and on whose behalf it asks."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The node a handler runs for, as the engine knows it: nothing here is taken from the worker's word."""

    tenant: str
    workflow_id: str
    execution_id: str
    version: str
    node: str
    account: str
    test_mode: bool
    manual: bool
    called_by: tuple[str, ...] = ()
    """The workflows that called this one, outermost first."""
    iteration: tuple[int, ...] = ()


CREDENTIAL = "credential"
"""The question for the credential a node's configuration names. Its answer is `{id, kind, fields, secrets}`; what is in
`secrets` is kept out of everything the execution records from then on."""

Answer = Callable[[Asker, dict[str, Any]], Awaitable[Any]]
"""Answers one kind of question with plain JSON; a `TradeloomError` it raises is raised in the handler."""

Answers = Mapping[str, Answer]
