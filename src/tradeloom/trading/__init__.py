"""Bars, symbols, order intents, risk rules, and the port through which a broker is reached."""
