"""Database nodes: the tenant's own tables."""
