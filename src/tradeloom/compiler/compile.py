"""The compiler's front door: a document in, a state machine and its version artefact out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tradeloom.compiler import limits
from tradeloom.compiler.asl import write
from tradeloom.compiler.plan import Plan, make_plan
from tradeloom.compiler.validate import document_problems, validate
from tradeloom.errors import InvalidDocument
from tradeloom.nodes.naming import function_name
from tradeloom.nodes.registry import node_types
from tradeloom.nodes.utility.delay import LONG_DELAY_S
from tradeloom.workflow.document import Workflow
from tradeloom.workflow.graph import Graph
from tradeloom.workflow.problems import Problem, errors

LOCAL_PREFIX = "arn:aws:lambda:us-east-1:000000000000:function:"


def local_arn(node_type: str) -> str:
    """The alias ARN a node type's function has on one machine."""
    return f"{LOCAL_PREFIX}{function_name(node_type)}:live"


@dataclass(frozen=True)
class Compiled:
    """`definition` is the machine; `artefact` `{document, warmup}` is what handlers load by `version`."""

    version: str
    definition: dict[str, Any]
    execution_type: Literal["express", "standard"]
    artefact: dict[str, Any]
    plan: Plan
    warnings: list[Problem]


def compile_workflow(value: Any, function_arn: Callable[[str], str] = local_arn) -> Compiled:
    """Compile a document (a `Workflow`, JSON text, or parsed JSON). Raises `InvalidDocument` with every problem."""
    if isinstance(value, Workflow):
        document: Workflow | None = value
        problems = document_problems(value)
    else:
        document, problems = validate(value)
    if document is None or errors(problems):
        raise invalid(problems)
    plan = plan_of(document)
    definition = write(plan, function_arn, document.settings.timeout_s)
    problems = problems + limits.definition_problems(definition) + _time_problems(document, definition)
    if errors(problems):
        raise invalid(problems)
    return Compiled(
        version=document.version,
        definition=definition,
        execution_type=_execution_type(document, definition),
        artefact={"document": document.model_dump(mode="json"), "warmup": dict(plan.warmup)},
        plan=plan,
        warnings=[problem for problem in problems if problem.severity == "warning"],
    )


def verdict(value: Any) -> tuple[Compiled | None, list[Problem]]:
    """What compiling comes to (None where it has errors) and every problem, warnings too."""
    try:
        compiled = compile_workflow(value)
    except InvalidDocument as error:
        return None, [Problem.model_validate(problem) for problem in error.problems]
    return compiled, compiled.warnings


def plan_of(document: Workflow) -> Plan:
    """The plan of a document that was compiled before. Raises `InvalidDocument` for a node type this release lacks."""
    known = node_types()
    for node in document.nodes:
        if node.type not in known:
            raise InvalidDocument(f"There is no node type {node.type!r} in this release.", [], node=node.id)
    return make_plan(Graph(document), {node.id: known[node.type] for node in document.nodes})


def invalid(problems: list[Problem]) -> InvalidDocument:
    """The error that carries them all; its sentence names the first."""
    wrong = errors(problems)
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    first = wrong[0]
    return InvalidDocument(
        f"The workflow cannot be used: {first.message}{more}",
        [problem.as_dict() for problem in problems],
        node=first.node,
        field=first.field,
    )


def _execution_type(document: Workflow, definition: dict[str, Any]) -> Literal["express", "standard"]:
    if document.settings.execution_type != "auto":
        return document.settings.execution_type
    delay = limits.longest_delay(definition)
    worst = limits.worst_case_seconds(definition)
    if delay is None or delay > LONG_DELAY_S or worst is None:
        return "standard"
    fits = min(worst, document.settings.timeout_s) <= limits.EXPRESS_LIMIT_S
    return "express" if fits else "standard"


def _time_problems(document: Workflow, definition: dict[str, Any]) -> list[Problem]:
    """Delays that cannot fit the time the workflow is given, or the type it is forced to be."""
    delay = limits.longest_delay(definition)
    timeout = document.settings.timeout_s
    problems = []
    if delay is not None and delay >= timeout:
        message = f"A delay of {delay:g} s does not fit the workflow's time-out of {timeout} s."
        hint = "Raise settings.timeout_s above all delays together."
        problems.append(Problem(code="timeout_too_short", field="settings.timeout_s", message=message, hint=hint))
    if document.settings.execution_type == "express" and timeout > limits.EXPRESS_LIMIT_S:
        message = f"An express workflow runs {limits.EXPRESS_LIMIT_S} s at most; its time-out is {timeout} s."
        problems.append(Problem(code="express_too_long", field="settings.execution_type", message=message))
    expected = document.settings.expect_end_within_s
    if expected is not None and expected >= timeout:
        field = "settings.expect_end_within_s"
        message = f"An execution runs out of time after {timeout} s, before it could be told of as late ({expected} s)."
        hint = "Expect an earlier end than settings.timeout_s."
        problems.append(Problem(code="expected_too_late", field=field, message=message, hint=hint, severity="warning"))
    return problems
