"""Indicators over bars, by TA-Lib."""
