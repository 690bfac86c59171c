"""The local engine: ASL interpreter, journal, workers, dispatcher, scheduler. See docs/engine.md."""
