"""Orders, through the risk gate in the bridge."""
