"""Tenants' own tables in PostgreSQL: a login role and a schema for each, and the gate in front of their SQL."""
