"""The paper terminal: a `MetaTrader5` module (`paper.metatrader5`) that replays real bars with a market clock."""
