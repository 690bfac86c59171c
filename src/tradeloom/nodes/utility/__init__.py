"""Shaping data and time."""
