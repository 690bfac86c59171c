"""`tradeloom backup` and `tradeloom restore`."""

from pathlib import Path

from rich.text import Text

from tradeloom.cli.output import err, out, say_json
from tradeloom.errors import InvalidInput
from tradeloom.local.backup.making import make_backup
from tradeloom.local.backup.restoring import restore
from tradeloom.local.settings import load_settings


def back_up(file: Path | None, *, with_keys: bool, home: Path | None, as_json: bool) -> None:
    settings = load_settings(home=home)
    if not settings.home.is_dir():
        raise InvalidInput(
            f"There is no data directory {settings.home}.",
            field="--home",
            hint="Name it with --home or TRADELOOM_HOME.",
        )
    made = make_backup(settings, file, with_keys=with_keys)
    size, manifest = made.file.stat().st_size, made.manifest
    if as_json:
        say_json(
            {
                "file": str(made.file),
                "bytes": size,
                "made_at": manifest.made_at.isoformat(),
                "parts": len(manifest.parts),
                "rows": sum(manifest.rows.values()),
                "accounts": manifest.accounts,
                "without": manifest.without,
                "with_keys": with_keys,
            }
        )
        return
    told = f"{made.file}  {size / 1024**2:.1f} MB, {len(manifest.parts)} parts, {sum(manifest.rows.values()):,} rows"
    out.print(Text.assemble(("✓ ", "green"), told), soft_wrap=True)
    for missing in manifest.without:
        out.print(Text.assemble(("! ", "yellow"), f"not in it: {missing}."), soft_wrap=True)
    if with_keys:
        out.print(Text.assemble(("! ", "yellow"), "it holds the keys: who has this file can read the credentials."))


def bring_back(file: Path, *, replace: bool, home: Path | None, as_json: bool) -> None:
    told = restore(load_settings(home=home), file, replace=replace)
    manifest = told.manifest
    if as_json:
        say_json(
            {
                "home": str(told.home),
                "made_at": manifest.made_at.isoformat(),
                "release": manifest.release,
                "rows": sum(manifest.rows.values()),
                "migrated": told.migrated,
                "halted": manifest.accounts,
                "aside": str(told.aside) if told.aside else None,
                "notes": told.notes,
            }
        )
        return
    out.print(
        Text.assemble(
            ("✓ ", "green"),
            f"{told.home} is as it was on {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC: ",
            f"{sum(manifest.rows.values()):,} rows compared",
            f", {len(told.migrated)} migrations since" if told.migrated else "",
        )
    )
    if told.aside:
        out.print(f"  what was there before is in {told.aside}", soft_wrap=True)
    for note in told.notes:
        err.print(Text.assemble(("! ", "yellow"), note), soft_wrap=True)
    if manifest.accounts:
        names = ", ".join(manifest.accounts)
        err.print(
            Text.assemble(
                ("! ", "bold yellow"),
                f"halted: {names}. The broker may have orders and positions from after the backup, of which the "
                "restored journal knows nothing. What trades and had not ended is stopped at the next start. Compare "
                "the account at the broker, settle what differs, then: tradeloom resume ACCOUNT --reason …",
            ),
            soft_wrap=True,
        )
