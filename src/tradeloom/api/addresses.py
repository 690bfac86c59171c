"""Where the API is and how much it gives at once. What only asks it needs nothing of what answers."""

PREFIX = "/api/agentic"
OPENAPI_PATH = f"{PREFIX}/openapi.json"
MAX_ITEMS = 200
MAX_OFFSET = 1_000_000
