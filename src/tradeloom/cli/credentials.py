"""`tradeloom credentials`: add, list, change and remove them. A secret is read from a prompt, standard input, the
environment or a file, and never from the command line, where every user of the machine can read it."""

import getpass
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from tradeloom.accounts.credentials.key_file import KeyFile
from tradeloom.accounts.credentials.kinds import MAX_VALUE, MODELS, FieldOfKind, fields_of
from tradeloom.accounts.credentials.rotation import rotate_key
from tradeloom.accounts.credentials.store import CredentialRecord
from tradeloom.accounts.credentials.vault import MAX_CREDENTIALS, Vault
from tradeloom.cli.database import Place, on_database
from tradeloom.cli.output import out, plain_table, say_json
from tradeloom.errors import Conflict, InvalidInput, NotFound
from tradeloom.local.credentials import uses
from tradeloom.local.storage import TENANT
from tradeloom.storage.postgres.credentials import PostgresCredentials
from tradeloom.storage.postgres.stores import PostgresStores


@dataclass(frozen=True)
class Desk:
    vault: Vault
    file: KeyFile
    stores: PostgresStores


def show_kinds(*, as_json: bool) -> None:
    if as_json:
        say_json([{"kind": kind, "fields": [_told(each) for each in fields_of(kind)]} for kind in MODELS])
        return
    table = plain_table("kind", "field", "", "what it is")
    for kind, model in MODELS.items():
        table.add_row(Text(kind, "cyan"), "", "", model.title)
        for each in fields_of(kind):
            marks = ", ".join(filter(None, ("secret" if each.secret else "", "" if each.required else "optional")))
            table.add_row("", each.name, Text(marks, "dim"), each.help)
    out.print(table)


def add(name: str, kind: str, given: list[str], *, stdin: bool, home: Path | None, as_json: bool) -> None:
    known = fields_of(kind)
    fields = _read(known, given, stdin=stdin)
    _prompt([each for each in known if each.required and each.name not in fields], fields)

    async def work(desk: Desk) -> CredentialRecord:
        return await desk.vault.add(TENANT, name, kind, fields)

    _say(_at(home, work), "added", as_json=as_json)


def change(which: str, name: str | None, given: list[str], *, stdin: bool, home: Path | None, as_json: bool) -> None:
    async def find(desk: Desk) -> CredentialRecord:
        return await _found(desk, which)

    record = _at(home, find)
    known = fields_of(record.kind)
    fields = _read(known, given, stdin=stdin)
    if not fields and name is None:
        _prompt([each for each in known if each.secret], fields)

    async def work(desk: Desk) -> CredentialRecord:
        return await desk.vault.change(TENANT, record.id, name=name, fields=fields)

    _say(_at(home, work), "changed", as_json=as_json)


def listing(*, home: Path | None, as_json: bool) -> None:
    async def work(desk: Desk) -> list[CredentialRecord]:
        return (await desk.vault.page(TENANT, limit=MAX_CREDENTIALS, offset=0))[0]

    records = _at(home, work)
    if as_json:
        say_json([_shown(record) for record in records])
        return
    table = plain_table("id", "name", "kind", "fields set", "last used")
    for record in records:
        used = f"{record.last_used_at:%Y-%m-%d %H:%M} UTC" if record.last_used_at else ""
        table.add_row(Text(record.id, "cyan"), Text(record.name), record.kind, ", ".join(record.fields), used)
    out.print(table if records else "[dim]none yet; `tradeloom credentials add`[/]")


def remove(which: str, *, even_if_used: bool, home: Path | None, as_json: bool) -> None:
    async def work(desk: Desk) -> CredentialRecord:
        record = await _found(desk, which)
        named = [] if even_if_used else await uses(desk.stores, TENANT, record.id)
        if named:
            names = ", ".join(repr(each.workflow_name) for each in named)
            raise Conflict(f"The credential is used by {names}.", hint="Take it out there first, or --even-if-used.")
        await desk.vault.delete(TENANT, record.id)
        return record

    _say(_at(home, work), "removed", as_json=as_json)


def rotate(*, home: Path | None, as_json: bool) -> None:
    async def work(desk: Desk) -> tuple[int, Path]:
        return await rotate_key(desk.vault, desk.file), desk.file.path

    count, path = _at(home, work)
    if as_json:
        say_json({"sealed_anew": count, "key_file": str(path)})
    else:
        out.print(Text.assemble(("✓ ", "green"), f"a new key in {path}; {count} credentials sealed anew"))


# -- values -----------------------------------------------------------------------------------------------------


def _read(known: list[FieldOfKind], given: list[str], *, stdin: bool) -> dict[str, str]:
    """Field values by name, from `name=value`, `name=env:VARIABLE`, `name=file:PATH`, and standard input's JSON."""
    by_name = {each.name: each for each in known}
    found = _from_stdin() if stdin else {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in by_name:
            raise InvalidInput("--set takes field=value.", field="--set", hint=f"The fields are {', '.join(by_name)}.")
        found[name] = _value(by_name[name], value)
    return found


def _value(field: FieldOfKind, text: str) -> str:
    source, _, where = text.partition(":")
    if source == "env":
        if where not in os.environ:
            raise InvalidInput(f"The environment has no {where!r}.", field=field.name)
        return os.environ[where]
    if source == "file":
        try:
            return Path(where).expanduser().read_text(encoding="utf-8")[: MAX_VALUE + 2].rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"The file for {field.name} cannot be read.", field=field.name) from error
    if field.secret:
        raise InvalidInput(
            f"{field.name} is secret, and the command line is not: other programs can read it.",
            field=field.name,
            hint=f"Leave it out and type it when asked, or --set {field.name}=env:VARIABLE, "
            f"{field.name}=file:PATH, or JSON on standard input with --stdin.",
        )
    return text


def _from_stdin() -> dict[str, str]:
    try:
        value = json.loads(sys.stdin.read(20 * MAX_VALUE))
    except ValueError:
        value = None
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise InvalidInput(
            "Standard input holds no JSON object of texts.", field="--stdin", hint='Such as {"token": "…"}.'
        )
    return value


def _prompt(missing: list[FieldOfKind], fields: dict[str, str]) -> None:
    """Ask a person; a program that left something out is told by the check that follows."""
    if not sys.stdin.isatty():
        return
    for each in missing:
        fields[each.name] = getpass.getpass(f"{each.title}: ") if each.secret else input(f"{each.title}: ")


# -- where they are kept ----------------------------------------------------------------------------------------


def _at[T](home: Path | None, work: Callable[[Desk], Awaitable[T]]) -> T:
    """What `work` gives at the data directory's vault."""

    async def within(place: Place) -> T:
        file = KeyFile(place.settings.key_file or place.home.key_file)
        vault = Vault(PostgresCredentials(place.database), file)
        return await work(Desk(vault, file, PostgresStores(place.database)))

    return on_database(home, within, make=True)


async def _found(desk: Desk, which: str) -> CredentialRecord:
    """By id or by name. Raises `NotFound`."""
    records, _ = await desk.vault.page(TENANT, limit=MAX_CREDENTIALS, offset=0)
    for record in records:
        if which in (record.id, record.name):
            return record
    raise NotFound(f"There is no credential {which!r}.", hint="`tradeloom credentials list` shows them.")


def _say(record: CredentialRecord, done: str, *, as_json: bool) -> None:
    if as_json:
        say_json(_shown(record))
    else:
        out.print(Text.assemble(("✓ ", "green"), f"{done}: ", (record.id, "cyan"), f"  {record.name} ({record.kind})"))


def _shown(record: CredentialRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "name": record.name,
        "kind": record.kind,
        "fields": list(record.fields),
        "updated_at": record.updated_at.isoformat(),
        "last_used_at": record.last_used_at.isoformat() if record.last_used_at else None,
    }


def _told(field: FieldOfKind) -> Mapping[str, Any]:
    return {"name": field.name, "secret": field.secret, "required": field.required, "help": field.help}
