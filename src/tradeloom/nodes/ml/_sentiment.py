"""How a text sounds to a market: words of the finance lexicon, what they are said of, and what turns them around."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from tradeloom.nodes.ml._lexicon import (
    DIVIDERS,
    MOVES,
    NUMBER,
    QUANTITIES,
    Entry,
    Lexicon,
    Part,
    finance_lexicon,
    general_lexicon,
)

GENERAL_WEIGHT = 0.5
"""A general word counts half: markets mean it less often than people do."""

NORMAL = 15.0
"""VADER's own: a sum of valences x becomes x / sqrt(x² + 15)."""

NEGATED = -0.8
"""What is denied counts the other way, and somewhat less. (VADER says -0.74, of milder words.)"""

REACH = 3
"""How many words before something may deny, strengthen or weaken it."""

SUBJECT_REACH = 8
"""How many words back the quantity may stand that a movement is said of."""

OBJECT_REACH = 3
"""How many words on it may stand instead: cuts its operating costs, a drop in jobless claims."""

EXPLAINED = 0.5
CONCEDED = 0.33
BEFORE_BUT, AFTER_BUT = 0.5, 1.5
HEADLINE_WEIGHT = 2.0

_WORD = re.compile(r"[a-z0-9&%]+(?:\.[a-z0-9&%]+|,[0-9]+)*|[.!?;:,\n]")
_END = frozenset(".!?;\n")
_TAG = re.compile(r"<[^<>]{0,500}>")
_NOT = re.compile(r"\b(can|[a-z]+)n'?t\b")
_REPEATED = re.compile(r"([📈🚀🐂📉🐻])\1+")
"""Three rockets say what one says."""
_INITIALS = re.compile(r"\b([a-z])\.([a-z])\.")
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("’‘ʼ", "'"),
        **dict.fromkeys("–—-‐‑", " "),
        "📈": " rises ",
        "🚀": " soars ",
        "🐂": " bullish ",
        "📉": " falls ",
        "🐻": " bearish ",
        "💎": " ",
    }
)
_CONTRACTED = frozenset(
    (
        *("isn", "aren", "wasn", "weren", "doesn", "don", "didn", "hasn", "haven", "hadn"),
        *("won", "wouldn", "couldn", "shouldn", "mustn", "needn", "ain", "can"),
    )
)


@dataclass(frozen=True, slots=True)
class Hit:
    """Words that decided something, and what they counted."""

    text: str
    value: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A text's score, -1 to 1, how sure it is of its side, 0 to 1, and the hits behind it, strongest first."""

    score: float
    certainty: float
    hits: tuple[Hit, ...]
    words: int


@dataclass(slots=True)
class _Item:
    """An entry found in a sentence, from word `start` up to `end`."""

    entry: Entry
    start: int
    end: int
    value: float = 0.0
    of: "_Item | None" = None
    """The quantity that a movement is said of."""
    used: bool = False
    """A quantity that a movement was said of: it has had its say."""

    def text(self, words: Sequence[str]) -> str:
        parts = [self] if self.of is None else sorted((self, self.of), key=lambda part: part.start)
        return " ".join(" ".join(words[part.start : part.end]) for part in parts)


def read_text(text: str) -> Reading:
    """The reading of one text; its first sentence, the headline, counts double among those that say anything."""
    told = list(sentences(text))
    scored = [(place, _score(words)) for place, words in enumerate(told)]
    speaking = [(HEADLINE_WEIGHT if place == 0 else 1.0, hits) for place, hits in scored if hits]
    words = sum(len(each) for each in told)
    if not speaking:
        return Reading(0.0, 0.0, (), words)
    whole = sum(weight for weight, _ in speaking)
    score = sum(weight * _normal(sum(hit.value for hit in hits)) for weight, hits in speaking) / whole
    said = [(weight, hit) for weight, hits in speaking for hit in hits]
    loud = sum(weight * abs(hit.value) for weight, hit in said)
    agreement = abs(sum(weight * hit.value for weight, hit in said)) / loud if loud else 0.0
    certainty = agreement * (1 - math.exp(-loud / whole / 1.5))
    strongest = sorted((hit for _, hit in said if hit.value), key=lambda hit: -abs(hit.value))
    return Reading(score, certainty, tuple(strongest), words)


def plain(text: str) -> str:
    """A text without markup: tags dropped, entities read."""
    import html

    return html.unescape(_TAG.sub(" ", text)) if "<" in text or "&" in text else text


def _normal(valence: float) -> float:
    return valence / math.sqrt(valence * valence + NORMAL)


def sentences(text: str) -> Iterator[list[str]]:
    """Lower-case words, sentence by sentence; a comma or colon stays as a word of its own."""
    lowered = _REPEATED.sub(r"\1", plain(text)).lower().translate(_SIGNS)
    lowered = _NOT.sub(_spelled_out, _INITIALS.sub(r"\1\2 ", lowered)).replace("'s ", " ").replace("'", " ")
    sentence: list[str] = []
    for word in _WORD.findall(lowered):
        if word in _END:
            if sentence:
                yield sentence
            sentence = []
        else:
            sentence.append(word)
    if sentence:
        yield sentence


def _spelled_out(found: "re.Match[str]") -> str:
    """`isn't` and `isnt` as `is not`; a word that only ends that way stays."""
    stem = found.group(1)
    whole = found.group(0)
    if "'" not in whole and f"{stem}n" not in _CONTRACTED:
        return whole
    return f"{'ca' if stem == 'ca' else stem} not"


def _score(words: Sequence[str]) -> list[Hit]:
    items = _items(words, finance_lexicon())
    for place, item in enumerate(items):
        if item.entry.part in MOVES:
            item.value = _moved(items, place)
        elif item.entry.part in (Part.PHRASE, Part.GENERAL):
            item.value = item.entry.value
    for item in items:
        if item.entry.part in QUANTITIES and not item.used:
            item.value = item.entry.value
    for place, item in enumerate(items):
        if item.value:
            item.value *= _coloured(items, place)
    _weigh_clauses(items)
    return [Hit(item.text(words), item.value) for item in items if item.value]


def _items(words: Sequence[str], lexicon: Lexicon) -> list[_Item]:
    general = general_lexicon()
    keys = [NUMBER if word[0].isdigit() else word for word in words]
    items: list[_Item] = []
    place = 0
    while place < len(words):
        found = lexicon.at(keys, place)
        if found:
            entry, length = found
            items.append(_Item(entry, place, place + length))
            place += length
            continue
        if words[place] in general:
            items.append(_Item(Entry(Part.GENERAL, GENERAL_WEIGHT * general[words[place]]), place, place + 1))
        elif words[place] in ",:":
            items.append(_Item(_PAUSE, place, place + 1))
        place += 1
    return items


_PAUSE = Entry(Part.NEUTRAL)


def _moved(items: Sequence[_Item], place: int) -> float:
    """What a movement counts, by the quantity it is said of: less of a bad one is good."""
    move = items[place]
    quantity = _object(items, place) or _subject(items, place)
    if quantity is None:
        return move.entry.value if move.entry.part in (Part.UP, Part.DOWN) else 0.0
    quantity.used = True
    move.of = quantity
    return -move.entry.value if quantity.entry.part is Part.BAD else move.entry.value


def _object(items: Sequence[_Item], place: int) -> _Item | None:
    """The quantity after a movement: raises costs, fall in unemployment."""
    for item in islice(items, place + 1, None):
        if item.start - items[place].end >= OBJECT_REACH or item.entry.part in DIVIDERS or item.entry is _PAUSE:
            return None
        if item.entry.part in QUANTITIES:
            return item
    return None


def _subject(items: Sequence[_Item], place: int) -> _Item | None:
    """The quantity before it: costs fall, unemployment unexpectedly rises to its highest."""
    for item in (items[before] for before in range(place - 1, -1, -1)):
        if items[place].start - item.end > SUBJECT_REACH or item.entry.part in DIVIDERS:
            return None
        if item.entry.part in QUANTITIES:
            return item
    return None


def _coloured(items: Sequence[_Item], place: int) -> float:
    """By what the words around a hit multiply it: denial, strength, weakness."""
    factor = 1.0
    item = items[place]
    for other in (items[before] for before in range(place - 1, -1, -1)):
        # Another hit in between takes the denial upon itself: fails to beat lowered forecasts.
        if item.start - other.end >= REACH or other.entry.part in DIVIDERS or other.value:
            break
        factor *= _colour(other, after=False)
    for other in islice(items, place + 1, None):
        if other.start - item.end >= 2 or other.entry.part in DIVIDERS:
            break
        factor *= _colour(other, after=True)
    return factor


def _colour(item: _Item, *, after: bool) -> float:
    match item.entry.part:
        case Part.NEGATOR:
            # What comes after is denied by its own negation: "gains not seen since" denies no gain.
            return 1.0 if after else NEGATED
        case Part.STRENGTHENER | Part.WEAKENER:
            return item.entry.value
        case _:
            return 1.0


def _weigh_clauses(items: Sequence[_Item]) -> None:
    """A headline tells first and explains after: what explains counts half, what is conceded a third. As in VADER, what
    stands before a "but" counts half and what follows it half again."""
    weight = 1.0
    for item in items:
        if item.entry.part is Part.BOUNDARY:
            weight = min(weight, EXPLAINED)
        elif item.entry.part is Part.CONCESSION:
            weight = CONCEDED
        elif item.entry.part is Part.CONTRAST:
            weight = 1.0
        item.value *= weight
    turn = next((place for place, item in enumerate(items) if item.entry.part is Part.CONTRAST), None)
    if turn is not None:
        for place, item in enumerate(items):
            item.value *= BEFORE_BUT if place < turn else AFTER_BUT
