"""The log's two forms: what a line is about, no secret, no line that somebody else made up."""

import gc
import json
import logging
import threading
import weakref
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest

from tradeloom.correlation import about, current, now_about
from tradeloom.local.logs import Form, logging_to
from tradeloom.runtime.redaction import Redactor

SECRET = 'canary-"5f0'


def written(tmp_path: Path, form: Form) -> list[str]:
    file, given = tmp_path / "log", Redactor([SECRET])
    log = logging.getLogger("tradeloom.test")
    with logging_to(file, given, form=form):
        log.info("outside")
        with about(request="r-1", nothing=None), about(execution="e 1"):
            log.warning("said %s\n2026-01-01T00:00:00Z ERROR forged line", SECRET)
            try:
                raise ValueError(f"hidden {SECRET}")
            except ValueError:
                log.exception("failed")
    return file.read_text("utf-8").splitlines()


def test_lines_for_people_say_what_they_are_about(tmp_path: Path) -> None:
    outside, said, failed, *trace = written(tmp_path, "text")
    assert outside.endswith("INFO tradeloom.test outside")
    assert said.endswith('forged line request=r-1 execution="e 1"')
    assert "\\n2026-01-01" in said
    assert failed.endswith('failed request=r-1 execution="e 1"')
    assert trace[-1].startswith("ValueError: hidden")


def test_lines_for_programs_are_objects(tmp_path: Path) -> None:
    outside, said, failed = map(json.loads, written(tmp_path, "json"))
    assert (outside["level"], outside["logger"], outside["message"]) == ("info", "tradeloom.test", "outside")
    assert (said["request"], said["execution"]) == ("r-1", "e 1")
    assert "nothing" not in said
    assert "ValueError: hidden" in failed["trace"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_in_either(tmp_path: Path, form: Form) -> None:
    text = "\n".join(written(tmp_path, form))
    assert SECRET not in text
    assert json.dumps(SECRET)[1:-1] not in text
    assert "•••" in text


def test_a_line_is_made_once_and_its_error_not_kept(tmp_path: Path) -> None:
    class Unwieldy(Exception):
        made = 0

        def __str__(self) -> str:
            type(self).made += 1
            return "told"

    error = Unwieldy()
    gone = weakref.ref(error)
    with logging_to(tmp_path / "log", Redactor([])):
        (file,) = [each for each in logging.getLogger().handlers if isinstance(each, RotatingFileHandler)]
        file.handle(logging.LogRecord("tradeloom.test", logging.INFO, "", 0, "first", (), None))
        file.handle(logging.LogRecord("tradeloom.test", logging.INFO, "", 0, "once: %s", (error,), None))
        del error
        gc.collect()
        assert Unwieldy.made == 1
        assert gone() is None
    assert (tmp_path / "log").read_text().count("once: told") == 1


def test_what_is_inside_ends_with_it() -> None:
    with about(request="r"):
        with about(order="o"):
            assert dict(current()) == {"request": "r", "order": "o"}
        now_about(execution="e")
        assert dict(current()) == {"request": "r", "execution": "e"}
    assert "execution" not in current()
    found: list[dict[str, str]] = []
    with about(request="r"):
        other = threading.Thread(target=lambda: found.append(dict(current())))
        other.start()
        other.join(60)
    assert found == [{}]
