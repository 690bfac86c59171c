"""ml.sentiment: how news and posts sound to a market."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from tradeloom.errors import MissingInput, NodeConfigError
from tradeloom.nodes.base import Example, Node, NodeConfig, NodeContext, NodeOutput, input_setting, setting
from tradeloom.nodes.ml._sentiment import Reading, plain, read_text
from tradeloom.nodes.ml._texts import MAX_TEXTS, Fields, Text, texts_of

Label = Literal["positive", "negative", "neutral"]

FULL_WORDS = 8
"""A text of fewer words says less: it counts as the part of this that it has."""

MAX_WORDS = 8
MAX_DETAILS = 200
WORD_CHARS = 60
EXCERPT_CHARS = 120


class SentimentConfig(NodeConfig):
    texts: Any = input_setting(
        title="Texts",
        help="What to read: one text, a list of texts, or a list of objects that hold a title, a text or both, such "
        f"as the rows of a query or the articles of a news service. At most {MAX_TEXTS:,}.",
        widget="expression",
        examples=["= nodes.query.rows", "= nodes.news.body.articles", ["Retailer beats estimates"]],
    )
    title_field: str = setting(
        "title",
        title="Field of the title",
        help="Where texts are objects: the field that holds the headline.",
        widget="text",
        min_length=1,
        max_length=100,
        advanced=True,
    )
    text_field: str = setting(
        "text",
        title="Field of the text",
        help="Where texts are objects: the field that holds the body.",
        widget="text",
        examples=["text", "summary", "body"],
        min_length=1,
        max_length=100,
    )
    time_field: str = setting(
        "time",
        title="Field of the time",
        help="Where texts are objects: the field that says when it appeared (RFC 3339, or seconds since 1970).",
        widget="text",
        examples=["time", "published_at"],
        min_length=1,
        max_length=100,
        advanced=True,
    )
    half_life_hours: float | None = setting(
        None,
        title="Half-life",
        help="A text this old counts half as much as one of now, one twice as old a quarter. Left empty, age does not "
        "matter; a text without a time counts in full.",
        unit="h",
        widget="number",
        examples=[24],
        gt=0,
        le=8_760,
    )
    threshold: float = setting(
        0.15,
        title="Threshold",
        help="A score from this on is positive, from its negative on negative; between them it is neutral.",
        widget="slider",
        ge=0.01,
        le=0.9,
    )
    details: int = setting(
        50,
        title="Texts in the output",
        help="How many single texts the output shows, those that count most first.",
        widget="number",
        ge=0,
        le=MAX_DETAILS,
        advanced=True,
    )


class DecidingWords(NodeOutput):
    words: str = Field(description="The words, as they were understood.", max_length=WORD_CHARS)
    score: float = Field(description="What they counted, on VADER's scale of about -4 to 4.")


class TextSentiment(NodeOutput):
    position: int = Field(description="The text's place in the list, from 0.", ge=0)
    excerpt: str = Field(description=f"How it begins: its first {EXCERPT_CHARS} characters.", max_length=EXCERPT_CHARS)
    time: AwareDatetime | None = Field(description="When it appeared, or null.")
    score: float = Field(description="From -1, as bad as it gets, to 1.", ge=-1, le=1)
    label: Label = Field(description="The score against the threshold.")
    confidence: float = Field(
        description="How sure the label is, by how much was said and how far it agrees.", ge=0, le=1
    )
    weight: float = Field(description="How much it counts in the whole, by age and length.", ge=0, le=1)
    decided_by: list[DecidingWords] = Field(
        description="The words that decided, those that counted most first.", max_length=MAX_WORDS
    )


class SentimentOutput(NodeOutput):
    score: float = Field(description="The texts' weighted average score, -1 to 1; 0 where there is none.", ge=-1, le=1)
    label: Label = Field(description="The score against the threshold.")
    confidence: float = Field(
        description="The weighted confidence of the texts whose label is this one: 1 when all agree and are sure.",
        ge=0,
        le=1,
    )
    count: int = Field(description="How many texts were counted.", ge=0)
    positive: int = Field(description="How many of them are positive.", ge=0)
    negative: int = Field(description="How many are negative.", ge=0)
    neutral: int = Field(description="How many are neutral.", ge=0)
    repeated: int = Field(description="How many more said the same as another and were not counted again.", ge=0)
    empty: int = Field(description="How many more held no words.", ge=0)
    future: int = Field(description="How many more bear a time after this execution's and were left out.", ge=0)
    shortened: int = Field(
        description="How many were longer than 10,000 characters; the rest of them was not read.", ge=0
    )
    texts: list[TextSentiment] = Field(
        description="The single texts, those that count most first.", max_length=MAX_DETAILS
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    text: Text
    reading: Reading
    label: Label
    confidence: float
    weight: float


class Sentiment(Node):
    type = "ml.sentiment"
    title = "News sentiment"
    description = "Reads English news and posts and says how they sound to a market, from -1 to 1."
    help = (
        "Reads headlines, articles or posts, English ones, by a finance lexicon of our own (some 6,500 expressions) on "
        "top of VADER's general one. It knows what is said of what: *losses narrow* and *costs fall* are good, "
        "*unemployment rises* is bad; *not profitable*, *fails to beat* and *less bad than feared* are turned around, "
        "*sharply lower* weighs more, and what stands after *as*, *after* or *despite* less than the headline itself. "
        "Nothing leaves the machine. `decided_by` shows the words behind every score.\n\n"
        "The whole is an average by weight: texts of fewer than 8 words weigh less, older ones too when you set a "
        "half-life, the same text twice counts once. Only what had appeared by the execution's own time is read, so a "
        "rerun over the past sees no later news.\n\n"
        "How good it is depends on the wording. Of 90 headlines written after the lexicon was finished, it reads 82 % "
        "as a person does (the general lexicon alone 62 %); what it misses it mostly calls neutral, and about 2 % it "
        "reads the wrong way round. docs/ml.md has all figures. It is one input to a decision: it names no symbol "
        "and no size."
    )
    icon = "newspaper"
    errors = (MissingInput, NodeConfigError)
    timeout_s = 120
    example = Example(
        title="Three headlines",
        config={
            "texts": [
                {"title": "Retailer beats estimates and raises guidance", "time": "2017-06-01T08:00:00Z"},
                {"title": "Losses narrow at airline as fuel costs fall", "time": "2017-06-01T09:30:00Z"},
                {"title": "Carmaker issues profit warning", "time": "2017-05-31T16:00:00Z"},
            ],
            "half_life_hours": 24,
        },
    )
    Config = SentimentConfig
    Output = SentimentOutput

    def run(self, config: SentimentConfig, context: NodeContext) -> SentimentOutput:
        given = texts_of(config.texts, Fields(config.title_field, config.text_field, config.time_field))
        present = [text for text in given if text.time is None or text.time <= context.as_of]
        distinct = list({" ".join(text.text.lower().split()): text for text in reversed(present)}.values())[::-1]
        readings = [(text, read_text(text.text)) for text in distinct]
        judged = [_judge(text, reading, config, context.as_of) for text, reading in readings if reading.words]
        score = _average([(each.weight, each.reading.score) for each in judged])
        label = _label(score, config.threshold)
        labels = [each.label for each in judged]
        return SentimentOutput(
            score=score,
            label=label,
            confidence=_average([(each.weight, each.confidence * (each.label == label)) for each in judged]),
            count=len(judged),
            positive=labels.count("positive"),
            negative=labels.count("negative"),
            neutral=labels.count("neutral"),
            repeated=len(present) - len(distinct),
            empty=len(distinct) - len(judged),
            future=len(given) - len(present),
            shortened=sum(each.text.cut for each in judged),
            texts=_details(judged, config.details),
        )


def _judge(text: Text, reading: Reading, config: SentimentConfig, now: datetime) -> _Judged:
    label = _label(reading.score, config.threshold)
    # Silence is weak evidence of neutrality, and contradiction weaker.
    confidence = reading.certainty if label != "neutral" else 0.5 * (1 - reading.certainty)
    weight = min(1.0, reading.words / FULL_WORDS)
    if config.half_life_hours is not None and text.time is not None:
        age_hours = (now - text.time).total_seconds() / 3600
        weight *= 0.5 ** (age_hours / config.half_life_hours)
    return _Judged(text, reading, label, confidence, weight)


def _label(score: float, threshold: float) -> Label:
    if score >= threshold:
        return "positive"
    return "negative" if score <= -threshold else "neutral"


def _average(parts: Sequence[tuple[float, float]]) -> float:
    """The average of (weight, value) pairs, 0 where nothing weighs anything: texts older than a thousand half-lives."""
    whole = sum(weight for weight, _ in parts)
    if whole <= 0:
        return 0.0
    return max(-1.0, min(1.0, sum(weight / whole * value for weight, value in parts)))


def _details(judged: Sequence[_Judged], most: int) -> list[TextSentiment]:
    first = sorted(judged, key=lambda each: (-each.weight * abs(each.reading.score), each.text.position))
    return [
        TextSentiment(
            position=each.text.position,
            excerpt=_excerpt(each.text.text),
            time=each.text.time,
            score=each.reading.score,
            label=each.label,
            confidence=each.confidence,
            weight=each.weight,
            decided_by=[
                DecidingWords(words=hit.text[:WORD_CHARS], score=hit.value) for hit in each.reading.hits[:MAX_WORDS]
            ],
        )
        for each in first[:most]
    ]


def _excerpt(text: str) -> str:
    """How a text begins, on one line; what no screen shows and no database takes (NUL, half characters) left out."""
    # Some more than is kept: markup and spaces go.
    shown = "".join(each if each.isprintable() else " " for each in plain(text[: 10 * EXCERPT_CHARS]))
    return " ".join(shown.split())[:EXCERPT_CHARS]
