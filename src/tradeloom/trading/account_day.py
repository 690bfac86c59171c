"""What an account has lost: of its day, and of its highest equity. Pure; the bridge keeps the record and feeds it.

Deposits and withdrawals move the day's baseline and the peak with them, so that paying in hides no loss and paying out
is none. Everything else that moves the balance (commission on opening, swap, charges) is the account's result, and so
is what open positions have won or lost so far: all of it is in equity.
"""

from collections.abc import Mapping
from decimal import Decimal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tradeloom.trading.exact import exact

_NONE = Decimal(0)
_ALL = Decimal(100)


class DayFigures(BaseModel):
    """What an account's loss is held against. Money in the account's currency.

    `baseline` is the equity the day began with and `peak` the highest ever seen, both moved by what was paid in since.
    `worst` keeps the largest loss seen that broke the limit: a day that is over stays over.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    began: AwareDatetime
    baseline: Decimal = Field(allow_inf_nan=False)
    peak: Decimal = Field(allow_inf_nan=False)
    worst: Decimal = _NONE

    def loss(self, equity: Decimal) -> Decimal:
        """What the day has lost so far, or at a look that broke the limit; zero when it has won."""
        return max(self.baseline - equity, self.worst, _NONE)

    def loss_pct(self, equity: Decimal) -> Decimal:
        return _share(self.loss(equity), self.baseline)

    def drawdown(self, equity: Decimal) -> Decimal:
        return max(self.peak - equity, _NONE)

    def drawdown_pct(self, equity: Decimal) -> Decimal:
        return _share(self.drawdown(equity), self.peak)


class AccountDay(DayFigures):
    """A day of an account, as it stood at the last look.

    `money` is balance and credit, `last_deal` the number of the last deal that explains them, `seen` the market time
    they were seen. `results` has, by workflow, what its trades booked today less what its positions had open when the
    day began. `worst_of` is, by workflow, what `worst` is for the account.
    """

    model_config = ConfigDict(extra="forbid", defer_build=True)

    money: Decimal = Field(allow_inf_nan=False)
    last_deal: int
    seen: AwareDatetime
    results: dict[str, Decimal] = Field(default_factory=dict)
    worst_of: dict[str, Decimal] = Field(default_factory=dict)

    def workflow_loss(self, workflow_id: str, floating: Decimal) -> Decimal:
        """What the workflow's trades have lost today; `floating` is what its open positions have won or lost."""
        result = self.results.get(workflow_id, _NONE) + floating
        return max(-result, self.worst_of.get(workflow_id, _NONE), _NONE)

    def workflow_loss_pct(self, workflow_id: str, floating: Decimal) -> Decimal:
        return _share(self.workflow_loss(workflow_id, floating), self.baseline)

    def moved(
        self, equity: Decimal, money: Decimal, seen: AwareDatetime, last_deal: int, paid_in: Decimal,
        booked: Mapping[str, Decimal],
    ) -> "AccountDay":  # fmt: skip
        """After deals, the newest of which is `last_deal`, that paid in so much and booked so much by workflow."""
        results = {name: self.results.get(name, _NONE) + booked.get(name, _NONE) for name in {*self.results, *booked}}
        return self.model_copy(
            update={
                "baseline": self.baseline + paid_in,
                "peak": max(self.peak + paid_in, equity),
                "money": money,
                "seen": seen,
                "last_deal": max(last_deal, self.last_deal),
                "results": results,
            }
        )

    def kept(self, equity: Decimal, limit_pct: float) -> "AccountDay":
        """With a new peak, and the day's loss remembered once it has reached the limit."""
        update: dict[str, Decimal] = {}
        if equity > self.peak:
            update["peak"] = equity
        loss = self.loss(equity)
        if loss > self.worst and _share(loss, self.baseline) >= exact(limit_pct):
            update["worst"] = loss
        return self.model_copy(update=update) if update else self

    def workflow_kept(self, workflow_id: str, floating: Decimal, limit_pct: float) -> "AccountDay":
        """The same for a workflow's loss."""
        loss = self.workflow_loss(workflow_id, floating)
        known = self.worst_of.get(workflow_id, _NONE)
        if loss <= known or _share(loss, self.baseline) < exact(limit_pct):
            return self
        return self.model_copy(update={"worst_of": {**self.worst_of, workflow_id: loss}})


def _share(lost: Decimal, of: Decimal) -> Decimal:
    """Percent. Of an account that had nothing, any loss is everything."""
    if lost <= 0:
        return _NONE
    return _ALL * lost / of if of > 0 else _ALL
