"""Who fires triggers is told of every change of a workflow, whatever keeps another from hearing of it."""

import pytest

from tests.support import loop
from tradeloom.errors import StorageUnavailable
from tradeloom.local.triggers import telling


class Fires:
    """What fires triggers; with `away`, storage keeps it from reading the workflow."""

    def __init__(self, *, away: bool = False) -> None:
        self.heard: list[tuple[str, str]] = []
        self._away = away

    async def refresh(self, tenant: str, workflow_id: str) -> None:
        if self._away:
            raise StorageUnavailable("The database is away.")
        self.heard.append((tenant, workflow_id))


def test_what_one_cannot_read_the_other_still_hears_of() -> None:
    async def story() -> None:
        scheduler, watcher, looked = Fires(away=True), Fires(), []
        changed = telling(scheduler, watcher, lambda: looked.append(True))
        with pytest.raises(StorageUnavailable):
            await changed("local", "w1")
        assert (watcher.heard, looked) == ([("local", "w1")], [True])

    loop.run(story())


def test_everybody_hears_of_a_change() -> None:
    async def story() -> None:
        scheduler, watcher, looked = Fires(), Fires(), []
        await telling(scheduler, watcher, lambda: looked.append(True))("local", "w1")
        assert scheduler.heard == watcher.heard == [("local", "w1")]
        assert looked == [True]

    loop.run(story())
