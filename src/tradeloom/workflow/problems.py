"""One thing wrong with a document: where, which rule, and a sentence a trader can act on."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Problem(BaseModel):
    """`node` and `field` say where (`config.period`, `connections.3`); `code` is stable; `message` is a sentence.

    An error keeps the document from running; a warning does not.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    node: str | None = None
    field: str | None = None
    severity: Literal["error", "warning"] = "error"
    hint: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


def errors(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity == "error"]
