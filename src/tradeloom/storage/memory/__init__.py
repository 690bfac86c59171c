"""Ports in memory: for unit tests and for runs that need not survive. An instance is one database."""
