"""Validate → plan → ASL. Pure: documents in, state machines out; imports no AWS."""
