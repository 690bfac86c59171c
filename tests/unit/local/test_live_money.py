"""An account with real money trades once a person has typed that it may."""

import pytest

from tests.support import loop
from tests.unit.local.accounts_house import House
from tradeloom.api.models.accounts import Kill, Resume
from tradeloom.errors import BrokerUnavailable, InvalidInput
from tradeloom.trading.risk import AccountState


class TestRealMoney:
    """An account with real money trades once a person has typed that it may, and not before."""

    @pytest.fixture
    def house(self) -> House:
        house = House()
        house.accounts["one"].trade_mode = "live"
        loop.run(house.switch.open())
        return house

    def test_nobody_decided_so_it_is_halted_at_its_bridge_before_anything_starts(self, house: House) -> None:
        one = house.accounts["one"]
        assert (one.status.state, one.status.by) == (AccountState.HALTED, "tradeloom")
        assert "real money" in one.status.reason
        assert all(other.told == [] for name, other in house.accounts.items() if name != "one")
        told = house.switch.get("local", "one")
        assert (told.state, told.acknowledgement) == ("halted", "trade live money on one")
        assert house.switch.get("local", "two").acknowledgement is None

    @pytest.mark.parametrize("typed", [None, "", "yes", "Trade live money on one", "trade live money on two"])
    def test_a_resume_takes_the_acknowledgement_word_for_word(self, house: House, typed: str | None) -> None:
        with pytest.raises(InvalidInput) as caught:
            house.switch.resume("local", "me", "one", Resume(reason="go", acknowledgement=typed))
        assert (caught.value.field, caught.value.hint) == ("acknowledgement", "Type: trade live money on one")
        assert house.accounts["one"].status.state is AccountState.HALTED

    def test_with_it_the_account_trades_and_stays_armed(self, house: House) -> None:
        wanted = Resume(reason="go", acknowledgement=" trade live money on one ")
        assert house.switch.resume("local", "me", "one", wanted).state == "active"
        again = house.restarted()
        assert (again.accounts["one"].status.state, again.accounts["one"].status.by) == (AccountState.ACTIVE, "me")

    def test_after_a_kill_it_takes_it_again(self, house: House) -> None:
        house.switch.resume("local", "me", "one", Resume(reason="go", acknowledgement="trade live money on one"))
        house.switch.kill("local", "me", "one", Kill(reason="stop"))
        with pytest.raises(InvalidInput):
            house.switch.resume("local", "me", "one", Resume(reason="go"))

    def test_a_terminal_that_does_not_tell_lets_nothing_be_loosened(self) -> None:
        house = House()
        one = house.accounts["one"]
        one.trade_mode, one.terminal_away = "live", True
        loop.run(house.switch.open())
        house.switch.kill("local", "me", "one", Kill(reason="stop"))
        with pytest.raises(BrokerUnavailable):
            house.switch.resume("local", "me", "one", Resume(reason="go", acknowledgement="trade live money on one"))
        assert one.status.state is AccountState.HALTED

    def test_without_it_a_kill_that_waits_is_not_withdrawn(self, house: House) -> None:
        house.switch.resume("local", "me", "one", Resume(reason="go", acknowledgement="trade live money on one"))
        house.accounts["one"].away = True
        with pytest.raises(BrokerUnavailable):
            house.switch.kill("local", "me", "one", Kill(reason="stop"))
        again = house.restarted()  # which has not heard yet that the money is real
        again.accounts["one"].away = False
        with pytest.raises(InvalidInput) as caught:
            again.switch.resume("local", "me", "one", Resume(reason="go"))
        assert (caught.value.field, len(again.kept())) == ("acknowledgement", 1)
        again.follow()
        assert again.accounts["one"].status.state is AccountState.HALTED
