"""How much to risk."""
