"""Variables as running handlers reach them: the engine answers, and keeps test mode's changes to itself."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tradeloom.engine import codec
from tradeloom.engine.questions import Answer, Asker
from tradeloom.engine.stores import VariableStore
from tradeloom.errors import InvalidInput
from tradeloom.nodes.variables import MAX_NAME, MAX_VALUE_BYTES, Variable

KEPT_TEST_VALUES: Final = timedelta(days=1)


class VariableAnswers:
    def __init__(self, store: VariableStore) -> None:
        self._store = store

    def answers(self) -> Mapping[str, Answer]:
        return {
            "variables.read": self._read,
            "variables.write": self._write,
            "variables.keys": self._keys,
        }

    async def _read(self, asker: Asker, body: dict[str, Any]) -> Any:
        scope, key = _name(body, "scope"), _name(body, "key")
        if asker.test_mode:
            own = await self._store.read(asker.tenant, _private(asker, scope), key)
            if own.revision:
                return _told(own)
        return _told(await self._store.read(asker.tenant, scope, key))

    async def _write(self, asker: Asker, body: dict[str, Any]) -> Any:
        scope, key, value = _name(body, "scope"), _name(body, "key"), body.get("value")
        expected, effect = body.get("expected"), body.get("effect")
        if len(codec.dumps(value).encode("utf-8", "surrogatepass")) > MAX_VALUE_BYTES:
            raise InvalidInput(f"The value of {key!r} is larger than {MAX_VALUE_BYTES:,} bytes.", field="value")
        if not asker.test_mode:
            return _told(await self._store.write(asker.tenant, scope, key, value, expected=expected, effect=effect))
        private = _private(asker, scope)
        if expected is not None and not (await self._store.read(asker.tenant, private, key)).revision:
            # The revision it read was the real one's; its own changes have revisions of their own from here on.
            expected = None
        return _told(
            await self._store.write(
                asker.tenant,
                private,
                key,
                value,
                expected=expected,
                effect=None if effect is None else f"test/{effect}",
                expires_at=datetime.now(UTC) + KEPT_TEST_VALUES,
            )
        )

    async def _keys(self, asker: Asker, body: dict[str, Any]) -> Any:
        scope, prefix = _name(body, "scope"), str(body.get("prefix", ""))
        found = set(await self._store.keys(asker.tenant, scope, prefix))
        if asker.test_mode:
            found |= set(await self._store.keys(asker.tenant, _private(asker, scope), prefix))
        return sorted(found)


def _private(asker: Asker, scope: str) -> str:
    return f"test/{asker.execution_id}/{scope}"


def _name(body: dict[str, Any], part: str) -> str:
    name = body.get(part)
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME:
        raise InvalidInput(f"A variable's {part} is a text of 1 to {MAX_NAME} characters.", field=part)
    return name


def _told(variable: Variable) -> dict[str, Any]:
    return asdict(variable)
