"""Node types: one folder a category, one file a type, metadata beside behaviour."""
