"""Subscribers hear each message once and in order, whatever happens beside, and never hold anybody up."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.loop import run
from tradeloom.errors import InvalidInput, NotFound, StorageUnavailable
from tradeloom.realtime.channels import Channel
from tradeloom.realtime.hub import Hub
from tradeloom.realtime.messages import (
    RUN_MESSAGE,
    ExecutionFinished,
    ExecutionStarted,
    Gap,
    NodeFinished,
    NodeLog,
    NodeProgress,
    RunMessage,
)
from tradeloom.realtime.subscription import Missed, Subscription

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
RUN = Channel("acme", "e1")
ALL = Channel("acme", None)


def log(seq: int, text: str = "hello") -> NodeLog:
    return NodeLog(
        execution_id="e1", workflow_id="w1", seq=seq, time=NOW, node="n", level="info", message=text, fields={}
    )


def finished(seq: int) -> NodeFinished:
    return NodeFinished(
        execution_id="e1", workflow_id="w1", seq=seq, time=NOW, node="n", attempt=0, kind="task", status="succeeded"
    )


def progress(seq: int, done: float) -> NodeProgress:
    return NodeProgress(execution_id="e1", workflow_id="w1", seq=seq, time=NOW, node="n", done=done)


def ended(seq: int, execution: str = "e1") -> ExecutionFinished:
    return ExecutionFinished(execution_id=execution, workflow_id="w1", seq=seq, time=NOW, status="succeeded")


class Rows:
    """A record in memory. Reading it takes as many turns of the loop as is said, and shows the moment it began."""

    def __init__(self) -> None:
        self.kept: list[RunMessage] = []
        self.turns: list[int] = []
        self.reads = 0
        self.fails = 0

    async def missed(self, tenant: str, execution_id: str, *, after: int, limit: int) -> Missed | None:
        self.reads += 1
        kept: Sequence[RunMessage] = list(self.kept)
        for _ in range(self.turns.pop(0) if self.turns else 0):
            await asyncio.sleep(0)
        if self.fails:
            self.fails -= 1
            raise StorageUnavailable("The database is not available.")
        if (tenant, execution_id) != ("acme", "e1"):
            return None
        found = [message for message in kept if not isinstance(message, Gap) and message.seq > after]
        last = max((message.seq for message in kept if not isinstance(message, Gap)), default=0)
        return Missed([], last, complete=False) if len(found) > limit else Missed(found, last)

    async def status(self, tenant: str, execution_id: str) -> RunMessage | None:
        return next((each for each in reversed(self.kept) if isinstance(each, ExecutionFinished)), None)


def drained(subscription: Subscription) -> list[RunMessage]:
    found = []
    while texts := subscription.take(3):
        found += [RUN_MESSAGE.validate_json(text) for text in texts]
    return found


def numbers(messages: Sequence[RunMessage]) -> list[int]:
    return [message.seq for message in messages if not isinstance(message, Gap | NodeProgress)]


async def settled(hub: Hub) -> None:
    while hub._work:
        await asyncio.gather(*hub._work)


ACTS = ["record", "tell", "elsewhere", "subscribe", "turn"]


@given(
    acts=st.lists(st.sampled_from(ACTS), max_size=60),
    turns=st.lists(st.integers(0, 6), max_size=20),
    skipped=st.sets(st.integers(1, 20), max_size=3),
    behind=st.lists(st.integers(0, 5), max_size=4),
)
def test_snapshot_and_stream_have_neither_gap_nor_overlap(
    acts: list[str], turns: list[int], skipped: set[int], behind: list[int]
) -> None:
    """Messages become durable, are told a while later, or are told of by another engine; reading the record takes its
    time; numbers are missing since a crash; subscribers come at any time, with any number."""

    async def body() -> None:
        rows = Rows()
        rows.turns = list(turns)
        hub = Hub(rows)
        said = [log(seq) if seq % 3 else finished(seq) for seq in range(1, 21) if seq not in skipped]
        subscribers: list[tuple[int, asyncio.Task[Subscription]]] = []
        untold: list[NodeLog | NodeFinished] = []
        queue = list(said)

        def record() -> None:
            rows.kept.append(queue[0])
            untold.append(queue.pop(0))

        for act in acts:
            if act == "record" and queue:
                record()
            elif act == "tell" and untold:
                hub.publish("acme", untold.pop(0))
            elif act == "elsewhere" and untold:
                hub.elsewhere("acme", "e1", untold.pop(0).seq, status=False)
            elif act == "subscribe" and len(subscribers) < len(behind):
                after = max(0, max(numbers(rows.kept), default=0) - behind[len(subscribers)])
                subscribers.append((after, asyncio.ensure_future(hub.subscribe(RUN, lambda: None, after=after))))
            else:
                await asyncio.sleep(0)
        while queue or untold:
            if queue:
                record()
            hub.publish("acme", untold.pop(0))
        for after, joining in subscribers:
            subscription = await joining
            await settled(hub)
            heard = drained(subscription)
            assert not any(isinstance(message, Gap) for message in heard)
            assert numbers(heard) == [message.seq for message in said if message.seq > after]
        await hub.close()

    run(body())


def test_without_a_number_one_hears_what_comes_from_now_on() -> None:
    async def body() -> None:
        rows = Rows()
        rows.kept = [log(1), log(2)]
        hub = Hub(rows)
        subscription = await hub.subscribe(RUN, lambda: None)
        hub.publish("acme", log(2))
        hub.publish("acme", log(3))
        hub.publish("acme", progress(3, 0.5))
        assert [message.type for message in drained(subscription)] == ["node.log", "node.progress"]
        hub.unsubscribe(subscription)
        hub.publish("acme", log(4))
        assert drained(subscription) == []
        assert not hub.listened_to

    run(body())


def test_what_is_not_the_tenants_is_not_found() -> None:
    async def body() -> None:
        hub = Hub(Rows())
        for channel in (Channel("other", "e1"), Channel("acme", "nobody")):
            with pytest.raises(NotFound):
                await hub.subscribe(channel, lambda: None, after=0)
        assert not hub.listened_to
        mine = await hub.subscribe(ALL, lambda: None)
        hub.publish("other", ended(5))
        assert drained(mine) == []

    run(body())


def test_all_runs_tell_their_status_and_no_more() -> None:
    async def body() -> None:
        hub = Hub(Rows())
        with pytest.raises(InvalidInput, match="no numbers"):
            await hub.subscribe(ALL, lambda: None, after=3)
        everything = await hub.subscribe(ALL, lambda: None)
        started = ExecutionStarted(
            execution_id="e2", workflow_id="w1", seq=1, time=NOW, version="v1", trigger="start", resumed=False
        )
        for message in (started, log(2), progress(2, 1), finished(3), ended(9, "e2")):
            hub.publish("acme", message)
        assert [message.type for message in drained(everything)] == ["execution.started", "execution.finished"]

    run(body())


def test_a_status_from_another_engine_is_read_and_told() -> None:
    async def body() -> None:
        rows = Rows()
        hub = Hub(rows)
        everything = await hub.subscribe(ALL, lambda: None)
        hub.elsewhere("acme", "e1", 3, status=True)  # there is no status yet
        rows.kept = [ended(4)]
        hub.elsewhere("acme", "e1", 4, status=True)
        hub.elsewhere("acme", "e1", 5, status=False)
        await settled(hub)
        assert numbers(drained(everything))[-1:] == [4]
        hub.look_again()
        assert drained(everything) == [Gap()]

    run(body())


def test_lost_word_of_other_engines_is_made_up_for() -> None:
    async def body() -> None:
        rows = Rows()
        hub = Hub(rows)
        subscription = await hub.subscribe(RUN, lambda: None, after=0)
        rows.kept = [log(1), log(2)]
        rows.fails = 1
        hub.look_again()
        await settled(hub)
        assert numbers(drained(subscription)) == [1, 2]

    run(body())


def test_a_slow_reader_loses_logs_first_and_is_told_which() -> None:
    async def body() -> None:
        hub = Hub(Rows(), most=20)
        slow = await hub.subscribe(RUN, lambda: None, after=0)
        quick = await hub.subscribe(RUN, lambda: None, after=0)
        heard: list[RunMessage] = []
        for seq in range(1, 61):
            hub.publish("acme", finished(seq) if seq % 10 == 0 else log(seq))
            heard += drained(quick)
        assert numbers(heard) == list(range(1, 61))
        first, *rest = drained(slow)
        assert isinstance(first, Gap)
        assert (first.execution_id, first.first) == ("e1", 1)
        told = numbers(rest)
        assert [seq for seq in range(10, 61, 10) if seq not in told] == []
        assert first.last is not None
        assert set(range(1, 61)) - set(told) <= set(range(1, first.last + 1))
        assert len(told) <= 20

    run(body())


def test_a_reader_far_behind_loses_everything_and_is_told_so() -> None:
    async def body() -> None:
        hub = Hub(Rows(), most=20)
        slow = await hub.subscribe(RUN, lambda: None, after=0)
        everything = await hub.subscribe(ALL, lambda: None)
        for seq in range(1, 101):
            hub.publish("acme", finished(seq))
            hub.publish("acme", ended(seq, f"e{seq + 1}"))
        first, *rest = drained(slow)
        assert first == Gap(execution_id="e1", first=1, last=100 - len(rest))
        assert numbers(rest) == list(range(101 - len(rest), 101))
        assert drained(everything)[0] == Gap()

    run(body())


def test_large_messages_count_by_their_size() -> None:
    async def body() -> None:
        hub = Hub(Rows())
        slow = await hub.subscribe(RUN, lambda: None, after=0)
        for seq in range(1, 600):
            hub.publish("acme", log(seq, "x" * 4_000))
        assert sum(len(text) for text in slow.take(10_000)) < 1_200_000

    run(body())


def test_more_than_is_kept_at_hand_is_left_to_rest() -> None:
    async def body() -> None:
        rows = Rows()
        rows.kept = [log(seq) for seq in range(1, 51)]
        hub = Hub(rows, most=20)
        subscription = await hub.subscribe(RUN, lambda: None, after=5)
        hub.publish("acme", log(51))
        gap, live = drained(subscription)
        assert gap == Gap(execution_id="e1", first=6, last=50)
        assert numbers([live]) == [51]

    run(body())
