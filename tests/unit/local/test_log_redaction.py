"""The log file holds no secret that a node was given, whoever writes it."""

import logging
from pathlib import Path

from tests.support.canaries import CANARIES, encoded, sightings
from tradeloom.accounts.credentials.kinds import secrets_of
from tradeloom.local.logs import logging_to
from tradeloom.runtime.redaction import MARK, Redactor


def test_messages_arguments_and_tracebacks_are_redacted(tmp_path: Path) -> None:
    given = Redactor()
    file = tmp_path / "tradeloom.log"
    with logging_to(file, given):
        log = logging.getLogger("some.library")
        for kind, fields in CANARIES.items():
            secrets = secrets_of(kind, fields)
            given.remember(secrets)
            for secret in secrets:
                for form in encoded(secret).values():
                    log.warning("worker 7: %s", form)
                try:
                    raise ValueError(secret) from KeyError(secret)
                except ValueError:
                    log.exception("it failed with %r", secret)
        log.info("nothing secret")
    content = file.read_bytes()
    assert b"nothing secret" in content
    assert MARK.encode() in content
    every = {
        f"{kind} {number}": each for kind in CANARIES for number, each in enumerate(secrets_of(kind, CANARIES[kind]))
    }
    assert sightings(iter([("the log", content)]), every) == []
