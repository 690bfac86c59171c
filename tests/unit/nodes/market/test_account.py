import pytest

from tests.support.broker_facts import make_account
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.errors import BrokerUnavailable
from tradeloom.nodes.market.account import AccountConfig, AccountNode
from tradeloom.trading.broker import Account


def test_gives_the_accounts_money() -> None:
    facts = make_account(
        balance=10_000.0, equity=9_850.5, margin=550.0, free_margin=9_300.5, margin_level=1791.0, profit=-149.5
    )
    output = AccountNode().run(AccountConfig(), FakeContext(brokers={"paper": FakeBroker(facts=facts)}))
    assert output.model_dump() == facts.model_dump(exclude={"name", "credit"}) | {"account": "paper"}


def test_margin_level_is_null_without_margin() -> None:
    assert AccountNode().run(AccountConfig(), FakeContext()).margin_level is None


def test_another_account_is_asked_when_named() -> None:
    euros = FakeBroker("demo", facts=make_account(name="demo", currency="EUR"))
    context = FakeContext(brokers={"paper": FakeBroker(), "demo": euros})
    output = AccountNode().run(AccountConfig(account="demo"), context)
    assert (output.account, output.currency) == ("demo", "EUR")


def test_an_unreachable_broker_is_an_error_that_may_be_retried() -> None:
    class Down(FakeBroker):
        def account(self) -> Account:
            raise BrokerUnavailable("the bridge does not answer")

    with pytest.raises(BrokerUnavailable):
        AccountNode().run(AccountConfig(), FakeContext(brokers={"paper": Down()}))
    assert BrokerUnavailable in AccountNode.errors
