"""Keeping processors awake: what is written, for how long, and what is said where it cannot be had."""

import logging
import struct
from pathlib import Path

import pytest

from tradeloom.local.wakefulness import processors_awake, remedy, waking_ms


def test_the_device_is_held_with_no_latency(tmp_path: Path) -> None:
    device = tmp_path / "latency"
    device.write_bytes(b"")
    with processors_awake(device=device) as awake:
        assert awake
        assert device.read_bytes() == struct.pack("i", 0)


def test_nothing_is_touched_where_it_is_not_wanted(tmp_path: Path) -> None:
    device = tmp_path / "latency"
    device.write_bytes(b"as it was")
    with processors_awake(False, device=device) as awake:
        assert not awake
    assert device.read_bytes() == b"as it was"


def test_where_there_is_no_device_the_log_says_so_and_all_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), processors_awake(device=tmp_path / "none") as awake:
        assert not awake
    assert "power plan" in caplog.text


def test_a_device_that_takes_no_wish_keeps_nothing_from_starting(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), processors_awake(device=Path("/dev/full")) as awake:
        assert not awake
    assert "not kept awake" in caplog.text


def test_who_may_not_is_told_how_to() -> None:
    assert "udev" in remedy(PermissionError(13, "Permission denied"))


def test_a_waking_takes_some_time() -> None:
    assert 0 < waking_ms(times=5) < 1_000
