"""`tradeloom validate` and `tradeloom compile`."""

from pathlib import Path
from typing import Any

from rich.text import Text

from tradeloom.cli.output import Exit, err, out, plain_table, problem_table, say_json, stop
from tradeloom.compiler.compile import Compiled, compile_workflow
from tradeloom.compiler.validate import validate
from tradeloom.errors import InvalidInput
from tradeloom.workflow.document import MAX_DOCUMENT_BYTES
from tradeloom.workflow.problems import errors


class UnreadableFile(InvalidInput):
    """A file that is not there or cannot be read."""


def read_document(file: Path) -> bytes:
    """The file's content. Raises `UnreadableFile`."""
    try:
        if file.stat().st_size > 4 * MAX_DOCUMENT_BYTES:
            raise UnreadableFile(f"{file} is too large for a workflow document.", field=str(file))
        return file.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be read: {error.strerror or error}.", field=str(file)) from error


def validate_file(file: Path, *, as_json: bool) -> None:
    document, problems = validate(read_document(file))
    wrong = errors(problems)
    if document is not None and not wrong:
        compiled = compile_workflow(document)
        problems = problems + [each for each in compiled.warnings if each not in problems]
    if as_json:
        say_json({"valid": not wrong, "problems": [problem.as_dict() for problem in problems]})
    else:
        if problems:
            out.print(problem_table(problem.as_dict() for problem in problems))
        warned = len(problems) - len(wrong)
        warnings = f", {_counted(warned, 'warning')}" if warned else ""
        if wrong:
            err.print(Text.assemble(("✕ ", "bold red"), f"{file}: {_counted(len(wrong), 'error')}{warnings}"))
        elif document is not None:
            named = f"{document.name!r}, {_counted(len(document.nodes), 'node')}"
            out.print(Text.assemble(("✓ ", "green"), f"{file}: {named}, can run{warnings}"))
    if wrong:
        stop(Exit.INVALID)


def compile_file(file: Path, *, plan: bool, as_json: bool) -> None:
    compiled = compile_workflow(read_document(file))
    if not plan:
        say_json(compiled.definition)
        return
    stages = stages_of(compiled)
    if as_json:
        say_json({"version": compiled.version, "execution_type": compiled.execution_type, "stages": stages})
        return
    out.print(f"[bold]{compiled.execution_type}[/] · version {compiled.version[:12]}")
    table = plain_table("stage", "in", "nodes", "type", "runs")
    for stage in stages:
        for position, node in enumerate(stage["nodes"]):
            table.add_row(
                str(stage["stage"]) if position == 0 else "",
                (stage["scope"] or "") if position == 0 else "",
                Text(node["label"]) + Text(f"  {node['id']}", "dim"),
                Text(node["type"], "cyan"),
                "always" if node["always_runs"] else "if live",
            )
    out.print(table)


def stages_of(compiled: Compiled) -> list[dict[str, Any]]:
    """The plan's stages in order, each with the nodes that run side by side. `scope` is the loop around them."""
    plan = compiled.plan
    found = []
    for scope, stages in plan.stages.items():
        for number, stage in enumerate(stages, start=1):
            nodes = [
                {
                    "id": node,
                    "label": plan.graph.nodes[node].label,
                    "type": plan.graph.nodes[node].type,
                    "always_runs": plan.always_runs(node),
                }
                for node in stage.nodes
            ]
            found.append({"scope": scope, "stage": number, "nodes": nodes})
    return found


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
