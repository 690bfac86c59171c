"""What all models share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Identifier = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)
