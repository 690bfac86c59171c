from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from mt5_bridge.paper.margin import Leg, margin_of, netted

D = Decimal
lots = st.integers(1, 1_000).map(lambda hundredths: D(hundredths) / 100)
legs = st.builds(Leg, st.booleans(), lots, st.integers(900, 1_100).map(D))


def test_longs_and_shorts_together_pay_for_the_longer_side() -> None:
    held = [Leg(True, D(3), D(1_000)), Leg(False, D(1), D(1_100))]
    # Two lots of surplus at the longs' rate, one hedged lot at the average of all four.
    assert margin_of(held, D(1)) == 2 * 1_000 + D(4_100) / 4
    assert margin_of(held, D("0.5")) == 2 * 1_000 + D(4_100) / 8
    assert margin_of(held, D(0)) == 2_000
    assert margin_of([], D(1)) == 0


def test_netting_averages_reduces_closes_and_reverses() -> None:
    held = [Leg(True, D(1), D(1_000))]
    assert netted([], held[0]) == held
    assert netted(held, Leg(True, D(3), D(1_200))) == [Leg(True, D(4), D(1_150))]
    assert netted(held, Leg(False, D("0.4"), D(1_200))) == [Leg(True, D("0.6"), D(1_000))]
    assert netted(held, Leg(False, D(1), D(1_200))) == []
    assert netted(held, Leg(False, D("1.5"), D(1_200))) == [Leg(False, D("0.5"), D(1_200))]


@given(st.lists(legs, max_size=6), legs)
def test_hedging_never_costs_more_than_both_sides_apart(held: list[Leg], added: Leg) -> None:
    everything = [*held, added]
    assert 0 <= margin_of(everything, D(1)) <= sum(leg.volume * leg.margin_per_lot for leg in everything) + D("1e-9")


@given(legs, legs)
def test_netted_volume_is_the_signed_sum(held: Leg, fill: Leg) -> None:
    def signed(all_legs: list[Leg]) -> Decimal:
        return sum((leg.volume if leg.is_long else -leg.volume for leg in all_legs), D(0))

    assert signed(netted([held], fill)) == signed([held, fill])
