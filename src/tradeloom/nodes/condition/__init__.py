"""Decisions: which way a workflow goes on."""
