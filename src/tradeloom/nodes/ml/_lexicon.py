"""The finance lexicon as a lookup of word sequences, and the general one below it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import product


class Part(StrEnum):
    """The sections of the lexicon; see `finance_lexicon.txt` for what each means."""

    UP = "up"
    DOWN = "down"
    LARGER = "larger"
    SMALLER = "smaller"
    BAD = "bad"
    GOOD = "good"
    PHRASE = "phrases"
    NEUTRAL = "neutral"
    NEGATOR = "negators"
    STRENGTHENER = "strengtheners"
    WEAKENER = "weakeners"
    BOUNDARY = "boundaries"
    CONCESSION = "concessions"
    CONTRAST = "contrasts"
    GENERAL = "general"
    """Not in the file: a word of VADER's."""


MOVES = frozenset({Part.UP, Part.DOWN, Part.LARGER, Part.SMALLER})
QUANTITIES = frozenset({Part.BAD, Part.GOOD})
DIVIDERS = frozenset({Part.BOUNDARY, Part.CONCESSION, Part.CONTRAST})

NUMBER = "#"
"""Stands for any number in the lexicon's entries."""

type Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    part: Part
    value: float = 0.0


class Lexicon:
    """Entries by their words; the longest at a place wins."""

    def __init__(self, entries: dict[Words, Entry]) -> None:
        self.entries = entries
        self._longest: dict[str, int] = {}
        for words in entries:
            self._longest[words[0]] = max(len(words), self._longest.get(words[0], 0))

    def at(self, words: Sequence[str], place: int) -> tuple[Entry, int] | None:
        """The longest entry that begins at a place, and how many words it takes."""
        for length in range(self._longest.get(words[place], 0), 0, -1):
            entry = self.entries.get(tuple(words[place : place + length]))
            if entry is not None:
                return entry, length
        return None


@cache
def finance_lexicon() -> Lexicon:
    from importlib.resources import files

    return Lexicon(read_lexicon(files("tradeloom.nodes.ml").joinpath("finance_lexicon.txt").read_text("utf-8")))


@cache
def general_lexicon() -> dict[str, float]:
    """VADER's single words (C.J. Hutto and E. Gilbert, 2014; MIT licence), each -4 to 4.

    Its data alone: VADER's own module finds them by its source file, which a Lambda layer of bytecode does not have.
    """
    from importlib.resources import files

    lines = files("vaderSentiment").joinpath("vader_lexicon.txt").read_text("utf-8").splitlines()
    columns = (line.split("\t") for line in lines if line.strip())
    return {word.strip(): float(value) for word, value, *_ in columns}


def read_lexicon(text: str) -> dict[Words, Entry]:
    """The entries of a lexicon file. Raises `ValueError` for a line it does not understand or words told twice."""
    entries: dict[Words, Entry] = {}
    part: Part | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("# "):
            continue
        if line.startswith("["):
            part = Part(line.strip("[]"))
            continue
        if part is None:
            raise ValueError(f"line {number}: an entry before the first section")
        for words, entry in _entries_of(line, part):
            if words in entries:
                raise ValueError(f"line {number}: {' '.join(words)!r} stands in the lexicon already")
            entries[words] = entry
    return entries


def _entries_of(line: str, part: Part) -> Iterator[tuple[Words, Entry]]:
    pattern, _, value = line.partition("\t")
    entry = Entry(part, float(value) if value else 0.0)
    for chosen in product(*(position.split("|") for position in pattern.split())):
        yield tuple(" ".join(chosen).replace("_", " ").split()), entry
