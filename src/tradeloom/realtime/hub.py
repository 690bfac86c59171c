"""Tells subscribers in this process what runs do: snapshot from the record, then live, without gap or overlap."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from tradeloom.errors import InvalidInput, NotFound, TradeloomError
from tradeloom.realtime.channels import Channel
from tradeloom.realtime.messages import ExecutionFinished, ExecutionStarted, Gap, RunMessage
from tradeloom.realtime.subscription import MOST_MESSAGES, Missed, Subscription, Told

log: Final = logging.getLogger(__name__)

AGAIN_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0


class Record(Protocol):
    """Where what was said before is kept."""

    async def missed(self, tenant: str, execution_id: str, *, after: int, limit: int) -> Missed | None:
        """What an execution said after a number; None when there is none of this tenant. Raises
        `StorageUnavailable`."""
        ...

    async def status(self, tenant: str, execution_id: str) -> RunMessage | None:
        """The message about an execution's present status; None while it has none."""
        ...


class RunEvents(Protocol):
    """Where one subscribes to runs: this process's hub. In the cloud AppSync Events stands in its place."""

    async def subscribe(self, channel: Channel, wake: Callable[[], None], *, after: int | None = None) -> Subscription:
        """Messages from now on, or all after the number `after`. Raises `NotFound`, `InvalidInput`."""
        ...

    def unsubscribe(self, subscription: Subscription) -> None: ...


class Publisher(Protocol):
    """Where messages about runs go: this process's hub, or AppSync Events' HTTP endpoint."""

    def publish(self, tenant: str, message: RunMessage) -> None:
        """Tell whoever listens to the run, and to all runs where its status changed. Returns at once."""
        ...


class Hub:
    """Implements `RunEvents` and `Publisher`. Everything happens on one event loop."""

    def __init__(self, record: Record, *, most: int = MOST_MESSAGES) -> None:
        self._record = record
        self._most = most
        self._listening: dict[Channel, set[Subscription]] = {}
        self._work: set[asyncio.Task[None]] = set()

    @property
    def subscriptions(self) -> int:
        """How many are open."""
        return sum(map(len, self._listening.values()))

    @property
    def listened_to(self) -> bool:
        return bool(self._listening)

    async def close(self) -> None:
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    # -- telling ------------------------------------------------------------------------------------------------

    def publish(self, tenant: str, message: RunMessage) -> None:
        if not self._listening or isinstance(message, Gap):
            return
        told = Told(message)
        for subscription in self._of(Channel(tenant, message.execution_id)):
            if not subscription.hear(told):
                self._read(subscription)
        if isinstance(message, ExecutionStarted | ExecutionFinished):
            for subscription in self._of(Channel(tenant, None)):
                subscription.hear(told)

    def elsewhere(self, tenant: str, execution_id: str, seq: int, *, status: bool) -> None:
        """Another engine's execution said something, up to `seq`; `status` when its status changed."""
        for subscription in self._of(Channel(tenant, execution_id)):
            if seq > subscription.seq:
                self._read(subscription)
        if status and self._of(Channel(tenant, None)):
            self._begin(self._tell_status(tenant, execution_id))

    def look_again(self) -> None:
        """Word from other engines was lost for a while."""
        for channel in list(self._listening):
            for subscription in self._of(channel):
                if channel.run is None:
                    subscription.lose()
                else:
                    self._read(subscription)

    async def _tell_status(self, tenant: str, execution_id: str) -> None:
        try:
            message = await self._record.status(tenant, execution_id)
        except TradeloomError as error:
            log.warning("the status of execution %s cannot be told: %s", execution_id, error)
            for subscription in self._of(Channel(tenant, None)):
                subscription.lose()
            return
        if message is not None:
            told = Told(message)
            for subscription in self._of(Channel(tenant, None)):
                subscription.hear(told)

    # -- listening ----------------------------------------------------------------------------------------------

    async def subscribe(self, channel: Channel, wake: Callable[[], None], *, after: int | None = None) -> Subscription:
        if channel.run is None and after is not None:
            raise InvalidInput("The channel of all runs has no numbers.", field="after", hint="Read the list by REST.")
        subscription = Subscription(channel, wake, after=after, most=self._most)
        subscription.reading = channel.run is not None
        self._listening.setdefault(channel, set()).add(subscription)  # before the record is read: no gap
        if channel.run is None:
            return subscription
        try:
            wanted = 2**62 if after is None else after
            missed = await self._record.missed(channel.tenant, channel.run, after=wanted, limit=self._most)
        except BaseException:
            self.unsubscribe(subscription)
            raise
        if missed is None:
            self.unsubscribe(subscription)
            raise NotFound("There is no such channel.")
        subscription.seq = min(subscription.seq, missed.last_seq)  # whatever number was asked for
        self._caught_up(subscription, missed)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        subscription.closed = True
        there = self._listening.get(subscription.channel, set())
        there.discard(subscription)
        if not there:
            self._listening.pop(subscription.channel, None)

    def _of(self, channel: Channel) -> list[Subscription]:
        return list(self._listening.get(channel, ()))

    def _read(self, subscription: Subscription) -> None:
        """Fill in from the record what is missing."""
        if subscription.reading:
            subscription.read_again = True
            return
        subscription.reading = True
        self._begin(self._catch_up(subscription))

    async def _catch_up(self, subscription: Subscription) -> None:
        channel, pause_s = subscription.channel, AGAIN_S
        assert channel.run is not None
        while not subscription.closed:
            try:
                missed = await self._record.missed(
                    channel.tenant, channel.run, after=subscription.seq, limit=self._most
                )
            except TradeloomError as error:
                log.warning("what execution %s said cannot be read: %s", channel.run, error)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                continue
            self._caught_up(subscription, missed or Missed([], subscription.seq))
            return

    def _caught_up(self, subscription: Subscription, missed: Missed) -> None:
        again, subscription.read_again = subscription.read_again, False
        subscription.catch_up(missed)
        if again and not subscription.closed:
            self._read(subscription)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
