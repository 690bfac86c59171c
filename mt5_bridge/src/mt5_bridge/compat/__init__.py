"""A door for scripts written for `mt5linux` 1.0.11: its wire as that client speaks it, and nothing else of rpyc."""
