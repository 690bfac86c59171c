"""Prices, bars, account and positions."""
