"""One subscriber's queue: bounded, in order, each message once; what a slow reader misses is told as a gap."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tradeloom.realtime.channels import Channel
from tradeloom.realtime.messages import Gap, NodeLog, NodeProgress, RunMessage

MOST_MESSAGES: Final = 1_000
MOST_CHARACTERS: Final = 1_048_576


class Told:
    """A message and its JSON, made once for however many hear it."""

    __slots__ = ("_text", "message")

    def __init__(self, message: RunMessage) -> None:
        self.message = message
        self._text: str | None = None

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = self.message.model_dump_json(exclude_none=True)
        return self._text

    @property
    def seq(self) -> int | None:
        """None for what is not numbered: progress and gaps."""
        message = self.message
        return None if isinstance(message, NodeProgress | Gap) else message.seq

    @property
    def droppable(self) -> bool:
        return isinstance(self.message, NodeLog | NodeProgress)


@dataclass(frozen=True, slots=True)
class Missed:
    """What an execution said after a number, from its record: messages in order, and the number of its last one.

    Not `complete` when there are more than were asked for; `messages` is empty then.
    """

    messages: Sequence[RunMessage]
    last_seq: int
    complete: bool = True


class Subscription:
    """`seq` is the number up to which everything was queued or told as a gap. `wake` is called when there is something
    to take; it must return at once."""

    def __init__(
        self, channel: Channel, wake: Callable[[], None], *, after: int | None = None, most: int = MOST_MESSAGES
    ) -> None:
        self.channel = channel
        self.seq = after or 0
        self.reading = False
        self.read_again = False
        self.closed = False
        self._wake = wake
        self._most = most
        self._held: list[Told] = []
        self._queue: deque[Told] = deque()
        self._characters = 0
        self._gap: Gap | None = None

    def __len__(self) -> int:
        return len(self._queue) + (self._gap is not None)

    # -- what comes in ------------------------------------------------------------------------------------------

    def hear(self, told: Told) -> bool:
        """Queue a live message. False when those before it are missing: then it is held until `catch_up`."""
        seq = told.seq
        if self.channel.run is None:
            self._put(told)
        elif seq is None:
            if not self.reading:
                self._put(told)
        elif self.reading:
            self._hold(told)
        elif seq == self.seq + 1:
            self.seq = seq
            self._put(told)
        elif seq > self.seq:
            self._hold(told)
            return False
        return True

    def catch_up(self, missed: Missed) -> None:
        """Queue what the record says came after `seq`, then what was held meanwhile."""
        self.reading = False
        if not missed.complete and missed.last_seq > self.seq:
            self._put(Told(Gap(execution_id=self.channel.run, first=self.seq + 1, last=missed.last_seq)))
        held, self._held = self._held, []
        for told in map(Told, missed.messages):
            self._put_if_new(told)
        self.seq = max(self.seq, missed.last_seq)
        for told in held:
            self._put_if_new(told)

    def _put_if_new(self, told: Told) -> None:
        if told.seq is not None and told.seq > self.seq:
            self.seq = told.seq
            self._put(told)

    def lose(self) -> None:
        """Something may have been missed, and nobody knows what."""
        self._put(Told(Gap()))

    def _hold(self, told: Told) -> None:
        self._held.append(told)
        if len(self._held) > self._most:
            self._held.clear()
            self.read_again = True  # they are in the record by now

    # -- what goes out ------------------------------------------------------------------------------------------

    def take(self, most: int) -> list[str]:
        """The next messages' JSON, in order."""
        taken: list[str] = []
        if self._gap is not None:
            taken.append(Told(self._gap).text)
            self._gap = None
        while self._queue and len(taken) < most:
            told = self._queue.popleft()
            self._characters -= len(told.text)
            taken.append(told.text)
        return taken

    def _put(self, told: Told) -> None:
        self._queue.append(told)
        self._characters += len(told.text)
        if len(self._queue) > self._most or self._characters > MOST_CHARACTERS:
            self._shed()
        self._wake()

    def _shed(self) -> None:
        """Drop logs and progress; statuses too where that does not make room enough."""
        kept = [told for told in self._queue if not told.droppable]
        dropped = [told for told in self._queue if told.droppable]
        if len(kept) > self._most * 3 // 4 or sum(len(told.text) for told in kept) > MOST_CHARACTERS * 3 // 4:
            kept, dropped = [], list(self._queue)
        self._queue = deque(kept)
        self._characters = sum(len(told.text) for told in kept)
        if self.channel.run is None:
            self._gap = Gap()
            return
        numbers = [told.seq for told in dropped if told.seq is not None]
        for told in dropped:
            if isinstance(told.message, Gap) and told.message.first is not None and told.message.last is not None:
                numbers += [told.message.first, told.message.last]
        if self._gap is not None and self._gap.first is not None and self._gap.last is not None:
            numbers += [self._gap.first, self._gap.last]
        if numbers:
            self._gap = Gap(execution_id=self.channel.run, first=min(numbers), last=max(numbers))
