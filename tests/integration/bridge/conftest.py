from collections.abc import Iterator

import pytest

from tests.integration.bridge.rig import Rig


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One bridge for a module: a hedging account `paper` and a netting one."""
    with Rig(tmp_path_factory.mktemp("bridge"), modes={"paper": "hedging", "netting": "netting"}) as rig:
        yield rig
