"""What can be wrong with a credential. No message ever holds a value of one, nor a field name nobody declared."""

from typing import Any

from tradeloom.errors import CredentialProblem, InvalidInput


class InvalidCredential(InvalidInput):
    """Fields that do not make a credential of their kind. `problems` has them all, by field."""

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{first['field']}: {first['message']}{more}", field=first["field"])
        self.problems = problems

    def as_dict(self) -> dict[str, Any]:
        return super().as_dict() | {"problems": self.problems}


class CredentialUnreadable(CredentialProblem):
    """What is stored cannot be opened: it was changed, moved, or sealed under another key."""

    http_status = 409


class KeyUnavailable(CredentialUnreadable):
    """The key that all else hangs on is missing, readable by others, or damaged."""

    http_status = 503
