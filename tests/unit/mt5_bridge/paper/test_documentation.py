"""`docs/paper.md` names every setting there is, and no kind of fault is left out."""

from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from mt5_bridge.paper import conditions, config, faults

PAGE = (Path(__file__).parents[4] / "docs" / "paper.md").read_text(encoding="utf-8")
SECTIONS: list[type[BaseModel]] = [
    config.TerminalConfig,
    config.AccountConfig,
    config.SymbolConfig,
    config.DataConfig,
    config.ClockConfig,
    conditions.RolloverSpread,
    conditions.RangeSlippage,
    faults.Fault,
    faults.RandomFaults,
]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_is_described(section: type[BaseModel]) -> None:
    missing = [name for name in section.model_fields if f"`{name}`" not in PAGE and f'"{name}"' not in PAGE]
    missing = [name for name in missing if f".{name}`" not in PAGE]
    assert missing == []


def test_every_fault_and_swap_mode_is_described() -> None:
    for name in (*get_args(faults.FaultKind), *get_args(config.SwapMode)):
        assert f"`{name}`" in PAGE, name
