"""The journal's tables. The log is append-only: the database itself refuses to change or delete a line.

Every statement may be run on a file of an older version, which is how such a file comes up to this one. Version 2 added
`facts` and the index on `sent_at`.
"""

SCHEMA_VERSION = 2
APPLICATION_ID = 0x544C4A4C  # "TLJL": says what the file is to whoever finds it

_STATES = "'new','sent','done','partial','placed','rejected','retryable','unknown','fenced','not_sent','manual'"

SCHEMA = (
    f"""CREATE TABLE IF NOT EXISTS orders (
        client_order_id TEXT PRIMARY KEY,
        magic INTEGER NOT NULL UNIQUE,
        digest TEXT NOT NULL,
        intent TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ({_STATES})),
        attempts INTEGER NOT NULL DEFAULT 0,
        sent_at TEXT,
        request TEXT,
        outcome TEXT,
        updated_at TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS orders_state ON orders (state)",
    """CREATE TABLE IF NOT EXISTS log (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        client_order_id TEXT,
        at TEXT NOT NULL,
        what TEXT NOT NULL,
        detail TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS log_order ON log (client_order_id)",
    "CREATE TRIGGER IF NOT EXISTS log_keeps BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the log is final'); END",
    "CREATE TRIGGER IF NOT EXISTS log_stays BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the log is final'); END",
    """CREATE TABLE IF NOT EXISTS account (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        state TEXT NOT NULL CHECK (state IN ('active', 'reducing', 'halted')),
        reason TEXT NOT NULL,
        by TEXT NOT NULL,
        changed_at TEXT NOT NULL,
        limits TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS orders_sent ON orders (sent_at)",
    """CREATE TABLE IF NOT EXISTS facts (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )""",
)
