"""Credentials: write-only, sealed at rest, opened for the one node that names them."""
