"""Adapters of the ports inner code owns: PostgreSQL, memory, blob files. Only entry points choose among them."""
