"""Tenants' own things that are no workflows: their credentials."""
