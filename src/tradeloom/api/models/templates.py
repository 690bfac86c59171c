"""Templates: strategies that run, to begin from."""

from typing import Any, Literal

from pydantic import Field

from tradeloom.api.models.base import Model

TemplateCategory = Literal["trend", "mean_reversion", "breakout", "machine_learning", "risk"]


class GuideStep(Model):
    title: str
    text: str


class Template(Model):
    """A workflow document with what a person should know before it trades. A workflow is made of it by creating one
    with its document."""

    id: str = Field(examples=["rsi_dip_buyer"])
    name: str
    summary: str = Field(description="What it does, in a sentence or two.")
    category: TemplateCategory
    level: Literal["beginner", "intermediate", "advanced"]
    market: str = Field(description="What it trades, and on which bars.", examples=["EURUSD H1"])
    tags: list[str]
    tier: Literal["basic", "pro"] = Field(description="The lowest tier that has all its nodes.")
    idea: str = Field(description="Why it might work.")
    risks: list[str] = Field(min_length=1, description="When and how it loses.")
    guide: list[GuideStep] = Field(min_length=1, description="How to make it one's own.")
    document: dict[str, Any] = Field(description="A workflow document.")


class TemplateList(Model):
    """The simplest first."""

    items: list[Template]
