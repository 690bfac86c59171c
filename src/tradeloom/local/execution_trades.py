"""What executions traded, as the API shows it."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal

from tradeloom.api.models.execution_trades import ExecutionTrades, TradeResult
from tradeloom.engine import execution_trades as known


def traded(trades: known.ExecutionTrades) -> ExecutionTrades:
    results = trades.results
    in_one = len({result.currency for result in results}) == 1
    return ExecutionTrades(
        state=trades.state,
        orders=trades.orders,
        executed=trades.executed,
        volume=float(trades.volume),
        trades=trades.trades,
        profit=float(sum((result.net for result in results), known.NOTHING)) if in_one else None,
        currency=results[0].currency if in_one else None,
        results=results_of(results),
        closed_others=results_of(trades.closed_others),
    )


def results_of(results: Sequence[known.Result]) -> list[TradeResult]:
    return [
        TradeResult.model_validate(
            {name: float(value) if isinstance(value, Decimal) else value for name, value in asdict(result).items()}
        )
        for result in results
    ]
