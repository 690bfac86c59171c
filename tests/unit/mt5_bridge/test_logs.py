"""The bridge's logs: rotation that fails loses no line, and a line says what it is about."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from mt5_bridge import logs
from mt5_bridge.logs import PatientRotation, about, current, note


@pytest.fixture
def log(tmp_path: Path) -> Iterator[logging.Logger]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.log_to(tmp_path / "logs" / "bridge.log", "INFO")
    noted = logs._about.set({})  # what other tests noted outside of any call
    yield logging.getLogger("mt5_bridge.test")
    logs._about.reset(noted)
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def written(tmp_path: Path) -> list[str]:
    return (tmp_path / "logs" / "bridge.log").read_text(encoding="utf-8").splitlines()


def test_a_line_says_what_it_is_about(tmp_path: Path, log: logging.Logger) -> None:
    with about(request="r1"):
        note(account="demo", order="ab12")
        log.info("inside")
        assert current("request") == "r1"
    log.info("outside")
    inside, outside = written(tmp_path)
    assert inside.endswith("INFO mt5_bridge.test inside request=r1 account=demo order=ab12")
    assert outside.endswith("outside")
    assert current("request") == ""


@pytest.mark.parametrize("hostile", ["x\n2026-01-01T00:00:00Z INFO forged", "x\r\nforged", 'a" order="b', "é\u2028"])
def test_nobody_writes_a_line_of_his_own(tmp_path: Path, log: logging.Logger, hostile: str) -> None:
    with about(request=hostile):
        log.info("call %s", hostile)
    raw = (tmp_path / "logs" / "bridge.log").read_bytes()
    assert raw.count(b"\n") == 1
    assert raw.count(b"\r") == 0


class HeldOpen(PatientRotation):
    """A file that cannot be renamed, as on Windows while somebody else has it open."""

    held = True

    def rotate(self, source: str, dest: str) -> None:
        if self.held:
            raise PermissionError(32, "used by another process")
        super().rotate(source, dest)


def test_a_file_that_cannot_be_renamed_is_written_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "worker.log"
    handler = HeldOpen(path, maxBytes=200, backupCount=2, encoding="utf-8")
    logger = logging.Logger("alone")
    logger.addHandler(handler)
    for number in range(50):
        logger.info("line %d of a log that is full", number)
    assert [f"line {number} of a log that is full" for number in range(50)] == path.read_text().splitlines()
    handler.held = False
    logger.info("not yet: the last try was a moment ago")
    assert not (tmp_path / "worker.log.1").exists()
    monkeypatch.setattr(handler, "_not_before", 0.0)
    logger.info("the minute is over")
    assert path.read_text() == "the minute is over\n"
    assert (tmp_path / "worker.log.1").read_text().count("\n") == 51
    handler.close()
