"""Models and methods that judge: forecasts, chart formations, the mood of texts."""
