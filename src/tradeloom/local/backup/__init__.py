"""Backups: one file with everything a data directory holds, and the way back."""
