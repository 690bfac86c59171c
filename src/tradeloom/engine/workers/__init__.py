"""Worker processes: handlers run in them, warm, one task at a time, with real time-outs and limits."""
