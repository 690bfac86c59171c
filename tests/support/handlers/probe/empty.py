"""A module without a handler."""
