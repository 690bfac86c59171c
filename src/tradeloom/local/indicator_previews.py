"""Candles of an account, and an indicator drawn on them with its node's own arithmetic."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from tradeloom.api.models.previews import (
    Candles,
    IndicatorPreview,
    IndicatorPreviewRequest,
    PreviewLevel,
    PreviewLine,
    PreviewMark,
)
from tradeloom.compiler.compile import invalid
from tradeloom.errors import NotEnoughBars
from tradeloom.nodes.indicator import _drawing as drawing
from tradeloom.trading.bars import MAX_BARS, Bars, BarsReference
from tradeloom.trading.broker import Broker
from tradeloom.trading.timeframes import Timeframe
from tradeloom.workflow.problems import Problem
from tradeloom.workflow.reading import sentence


class IndicatorPreviews:
    """`broker` gives an account's broker; it raises `NotFound` for an account that is not there. Blocking."""

    def __init__(self, broker: Callable[[str], Broker], now: Callable[[str], datetime]) -> None:
        self._broker = broker
        self._now = now

    def candles(self, account: str, symbol: str, timeframe: Timeframe, count: int) -> Candles:
        """As many as there are. Raises `NotFound` for a symbol the broker does not have."""
        return _candles(self._bars(account, symbol, timeframe, count, 0, None), count)

    def preview(self, wanted: IndicatorPreviewRequest) -> IndicatorPreview:
        """Raises `NotFound` for a type that is not drawn, `InvalidDocument` for its configuration, `NotEnoughBars`."""
        name = wanted.type.removeprefix("indicator.")
        node = drawing.indicator(name)
        reference = _reference(wanted.account, wanted.symbol, wanted.timeframe, self._now(wanted.account), wanted.count)
        values = {**wanted.config, "bars": reference.model_dump(mode="json")}
        try:
            config = node.Config.model_validate(values)
        except ValidationError as error:
            raise invalid(_problems(error)) from error
        warmup = min(node.memory(wanted.config), MAX_BARS - wanted.count)
        bars = self._bars(wanted.account, wanted.symbol, wanted.timeframe, wanted.count, warmup, wanted.to)
        needed = node.bars_needed(config)
        if len(bars) < needed:
            raise NotEnoughBars(
                f"{node.title} needs {needed} bars of {wanted.symbol} {wanted.timeframe}; there are {len(bars)}.",
                field="config.bars",
                hint="Shorten the period, or choose a smaller timeframe.",
            )
        count = min(wanted.count, len(bars))
        drawn = drawing.draw(name, config, bars, node.columns(config, bars), count)
        candles = _candles(bars, count)
        helps = {column: field.description or "" for column, field in node.Output.model_fields.items()}
        return IndicatorPreview(
            candles=candles,
            lines=[_line(line, helps) for line in drawn.lines],
            marks=[
                PreviewMark(time=candles.time[mark.row], name=mark.name, word=mark.word, side=mark.side)
                for mark in drawn.marks
            ],
            levels=[PreviewLevel(field=field, value=value) for field, value in drawn.levels.items()],
        )

    def _bars(
        self, account: str, symbol: str, timeframe: Timeframe, count: int, warmup: int, to: datetime | None
    ) -> Bars:
        """The last `count` bars and what stands before them; a broker that has fewer gives what it has."""
        end = to or self._now(account)
        broker = self._broker(account)
        broker.symbol(symbol)
        while True:
            reference = _reference(account, symbol, timeframe, end, count).model_copy(update={"warmup": warmup})
            try:
                return broker.bars(reference)
            except NotEnoughBars:
                if count <= 1:
                    raise
                count, warmup = max(1, count // 2), 0


def _reference(account: str, symbol: str, timeframe: Timeframe, to: datetime, count: int) -> BarsReference:
    return BarsReference(account=account, symbol=symbol, timeframe=timeframe, to=to, count=count)


def _candles(bars: Bars, count: int) -> Candles:
    columns: dict[str, Any] = {
        name: getattr(bars, name)[-count:].tolist() for name in ("time", "open", "high", "low", "close", "volume")
    }
    about = bars.reference
    return Candles(account=about.account, symbol=about.symbol, timeframe=about.timeframe, **columns)


def _line(line: drawing.Line, helps: Mapping[str, str]) -> PreviewLine:
    name = line.name.removeprefix("values.")
    return PreviewLine(name=name, pane=line.pane, look=line.look, help=helps.get(name, ""), values=line.values)


def _problems(error: ValidationError) -> list[Problem]:
    return [
        Problem(
            code="invalid_config",
            field=".".join(["config", *(str(part) for part in detail["loc"])]),
            message=sentence(detail),
        )
        for detail in error.errors(include_url=False)
    ]
