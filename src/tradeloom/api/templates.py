"""Templates: list them, read one."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from tradeloom.api.models.templates import Template, TemplateList
from tradeloom.api.routing import PREFIX, Routes, answers

router = Routes()
_TAGS = ["templates"]

Name = Annotated[str, Path(description="The template's id.", min_length=1, max_length=64)]


@router.get(
    f"{PREFIX}/templates", summary="List the templates", operation_id="listTemplates", tags=_TAGS,
    **answers(TemplateList),
)  # fmt: skip
def listing() -> TemplateList:
    return TemplateList(items=router.ports.templates.all())


@router.get(
    f"{PREFIX}/templates/<id>",
    summary="Read a template",
    operation_id="getTemplate",
    tags=_TAGS,
    **answers(Template, 404),
)
def read(id: Name) -> Template:
    return router.ports.templates.get(id)
