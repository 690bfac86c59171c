"""`tradeloom models`: what forecasts are made with, and bringing models of one's own."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradeloom.cli.options import Home, Json
from tradeloom.cli.output import told

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tradeloom.nodes.models import ModelStore, Shelf

app = typer.Typer(
    name="models", help="List, add and promote the models of price forecasts.", no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip

Name = Annotated[str, typer.Argument(help="A model's name, as `models list` shows it.", show_default=False)]


@app.command("list")
@told
def list_(home: Home = None, as_json: Json = False) -> None:
    """List the models and their current versions."""
    from rich.text import Text

    from tradeloom.cli.output import out, plain_table, say_json

    with _opened(home) as models:
        shelves = {name: models.shelf(name) for name in models.names()}
    if as_json:
        say_json([_told(name, shelf) for name, shelf in shelves.items()])
        return
    table = plain_table("model", "version", "kind", "horizon", "versions", "skill", "trained to")
    for name, shelf in shelves.items():
        record = shelf.current
        if record is None:
            continue
        skill = record.scores.get("skill")
        table.add_row(
            Text(name, "cyan"),
            record.version[:12] + (" (chosen)" if shelf.chosen else ""),
            record.kind,
            str(record.horizon),
            str(len(shelf.versions)),
            "" if skill is None else f"{skill:+.4f}",
            "" if record.trained_to is None else f"{record.trained_to:%Y-%m-%d %H:%M}",
        )
    out.print(table if table.row_count else "There are no models yet: a forecast trains one, `models add` brings one.")


@app.command()
@told
def add(
    file: Annotated[Path, typer.Argument(help="An ONNX file.", show_default=False)],
    horizon: Annotated[int, typer.Option(help="How many bars ahead it forecasts.", show_default=False)],
    name: Annotated[
        str | None, typer.Option(help="What nodes call it: onnx:NAME. \\[default: the file's name]")
    ] = None,
    features: Annotated[
        str | None, typer.Option(help="Its inputs, comma-separated, in its order. \\[default: all of them]")
    ] = None,
    log_return: Annotated[
        bool, typer.Option("--log-return", help="Its answer is a log return, not one in usual moves.")
    ] = False,
    trained_to: Annotated[
        datetime | None, typer.Option(help="When the data it was trained on ends (UTC): tests begin there.")
    ] = None,
    timeframe: Annotated[str | None, typer.Option(help="The only bars it is for, such as H1. \\[default: any]")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Examine a model and keep it as the newest version of its name."""
    from tradeloom.cli.output import out, say_json
    from tradeloom.nodes.ml._features import FEATURES
    from tradeloom.nodes.ml._upload import upload

    chosen = name or file.stem
    with _opened(home) as models:
        record = upload(
            models,
            chosen,
            _content(file),
            horizon=horizon,
            features=FEATURES if features is None else [each.strip() for each in features.split(",")],
            target="log_return" if log_return else "scaled_return",
            trained_to=None if trained_to is None else trained_to.replace(tzinfo=trained_to.tzinfo or UTC),
            timeframe=_timeframe(timeframe),
        )
    if as_json:
        say_json(record.model_dump(mode="json"))
    else:
        out.print(f"[green]✓[/] {chosen}, version {record.version[:12]}: use it as [cyan]onnx:{chosen}[/]")


@app.command()
@told
def show(name: Name, home: Home = None, as_json: Json = False) -> None:
    """Show all versions of a model."""
    with _opened(home) as models:
        full = _full(models, name)
        shelf = models.known(full)
    _show(full, shelf, as_json=as_json)


@app.command()
@told
def promote(
    name: Name,
    version: Annotated[
        str | None, typer.Argument(help="The beginning of its SHA-256; none: the newest again.", show_default=False)
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Choose the version that is used, or let the newest be used again."""
    with _opened(home) as models:
        full = _full(models, name)
        shelf = models.promote(full, version)
    _show(full, shelf, as_json=as_json)


@app.command()
@told
def rollback(name: Name, home: Home = None, as_json: Json = False) -> None:
    """Go back to the version before the one in use."""
    with _opened(home) as models:
        full = _full(models, name)
        shelf = models.rollback(full)
    _show(full, shelf, as_json=as_json)


def _opened(home: Path | None) -> "AbstractContextManager[ModelStore]":
    from tradeloom.local.models import open_models
    from tradeloom.local.settings import load_settings

    return open_models(load_settings(home=home))


def _full(models: "ModelStore", name: str) -> str:
    """An uploaded model may be called as nodes call it."""
    from tradeloom.nodes.models import UPLOADED

    return name if "/" in name else UPLOADED + name.removeprefix("onnx:")


def _content(file: Path) -> bytes:
    from tradeloom.errors import ModelRefused
    from tradeloom.nodes.ml._gate import MAX_BYTES

    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelRefused(f"{file} cannot be read: {error.strerror or error}.", field=str(file)) from error


def _timeframe(text: str | None) -> Any:
    from tradeloom.errors import ModelRefused
    from tradeloom.trading.timeframes import Timeframe

    if text is None:
        return None
    try:
        return Timeframe(text)
    except ValueError as error:
        raise ModelRefused(
            f"{text!r} is no timeframe.", field="timeframe", hint=f"Known are {', '.join(Timeframe)}."
        ) from error


def _told(name: str, shelf: "Shelf") -> dict[str, Any]:
    current = shelf.current
    return {"name": name, "current": current and current.version, **shelf.model_dump(mode="json")}


def _show(name: str, shelf: "Shelf", *, as_json: bool) -> None:
    from rich.text import Text

    from tradeloom.cli.output import out, plain_table, say_json

    if as_json:
        say_json(_told(name, shelf))
        return
    out.print(Text(name, "bold"))
    table = plain_table("", "version", "kind", "horizon", "trained", "skill", "t", "tests", "bytes")
    for record in shelf.versions:
        scores = record.scores
        ends = [f"{each:%Y-%m-%d %H:%M}" if each else "?" for each in (record.trained_from, record.trained_to)]
        table.add_row(
            "→" if record == shelf.current else "",
            record.version[:12],
            record.kind,
            str(record.horizon),
            " to ".join(ends),
            f"{scores['skill']:+.4f}" if scores else "",
            f"{scores['t_statistic']:+.2f}" if scores else "",
            str(scores["n"]) if scores else "",
            f"{record.file_bytes:,}",
        )
    out.print(table)
