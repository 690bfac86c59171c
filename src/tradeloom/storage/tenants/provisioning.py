"""The engine's side of tenants' tables: makes each tenant's role and schema on first use, and tells its workers how to
log in as it.

What a role may do is held by PostgreSQL itself: it owns nothing but its tables, cannot make temporary ones, and its
time-outs and sizes are set on the role. On a server of our own, what any role may see and call is narrowed as well.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo

from tradeloom.engine.questions import Answer, Asker
from tradeloom.storage.postgres.database import Database

_LOCK: Final = 7_233_403
"""Key of the advisory lock under which roles are made."""

CONNECTIONS: Final = 12
"""Most connections of one tenant at once: a worker keeps one."""

SETTINGS: Final[Mapping[str, str]] = {
    "statement_timeout": "10s",
    "transaction_timeout": "20s",
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "2s",
    "work_mem": "8MB",
    "hash_mem_multiplier": "1",
    "maintenance_work_mem": "16MB",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}
SUPERUSERS_SETTINGS: Final[Mapping[str, str]] = {"temp_file_limit": "64MB"}
"""Settings only a superuser may put on a role, and which the role cannot change."""

HIDDEN_FUNCTIONS: Final = (
    r"^(pg_advisory|pg_try_advisory|pg_sleep|pg_stat_get|pg_notify|pg_export_snapshot|pg_logical_emit_message"
    r"|pg_cancel_backend|pg_terminate_backend|pg_get_userbyid|pg_lock_status|pg_current_xact_id|txid_current"
    r"|set_config|lo_|loread|lowrite|(query|cursor|table|schema|database)_to_xml)"
)
"""Functions every role may call by default, and none of a tenant's has a use for: they sleep, take locks our engines
stand on, signal, write outside tables, or tell of others."""

_OF_ALL: Final = "SELECT tenant, role, password FROM tenant_databases"


class TenantAccess:
    """`own_server` says that the server is ours alone: then what every role may see and call is narrowed too."""

    def __init__(self, database: Database, *, own_server: bool) -> None:
        self._database = database
        self._own_server = own_server
        self._known: dict[str, dict[str, str]] = {}
        self._hardened = False

    def answers(self) -> Mapping[str, Answer]:
        return {"database": self._answer}

    async def _answer(self, asker: Asker, body: dict[str, Any]) -> Any:
        return await self.access(asker.tenant, renew=bool(body.get("renew")))

    async def access(self, tenant: str, *, renew: bool = False) -> dict[str, str]:
        """`{conninfo, schema}` of the tenant's role, which is made when there is none yet.

        `renew` sets the role's password and settings again: for a login that failed. Raises `StorageUnavailable`.
        """
        if renew or tenant not in self._known:
            self._known[tenant] = await self._provide(tenant, renew=renew)
        return self._known[tenant]

    async def _provide(self, tenant: str, *, renew: bool) -> dict[str, str]:
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            if not self._hardened:
                await _harden(connection, own_server=self._own_server)
            cursor = await connection.execute(f"{_OF_ALL} WHERE tenant = %s", [tenant])
            row = await cursor.fetchone()
            if row is None:
                row = await _make(connection, tenant)
            elif renew:
                await _set_password(connection, row["role"], row["password"])
                await _configure(connection, row["role"])
        self._hardened = True
        login = {"user": row["role"], "password": row["password"], "application_name": "tradeloom-tenant"}
        return {"conninfo": make_conninfo(self._database.dsn, **login), "schema": row["role"]}


async def _make(connection: AsyncConnection[Any], tenant: str) -> dict[str, str]:
    # The name tells nobody which tenant's it is, and cannot be guessed.
    role, password = f"tl_{secrets.token_hex(12)}", secrets.token_urlsafe(32)
    name = sql.Identifier(role)
    await make_role(connection, role, password)
    await connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    await connection.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}").format(name, name))
    effects = sql.Identifier(role, "_effects")
    await connection.execute(
        sql.SQL(
            "CREATE TABLE {} (effect text PRIMARY KEY, table_name text NOT NULL, row_id bigint,"
            " created boolean, written_at timestamptz NOT NULL DEFAULT clock_timestamp())"
        ).format(effects)
    )
    # It may note what it did, and never forget it.
    await connection.execute(sql.SQL("GRANT SELECT, INSERT, UPDATE ON {} TO {}").format(effects, name))
    await connection.execute(
        "INSERT INTO tenant_databases (tenant, role, password, created_at) VALUES (%s, %s, %s, clock_timestamp())",
        [tenant, role, password],
    )
    return {"tenant": tenant, "role": role, "password": password}


async def make_role(connection: AsyncConnection[Any], role: str, password: str) -> None:
    """The login, without a schema. One that is there already, on a server it was on before, gets the password."""
    name = sql.Identifier(role)
    cursor = await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
    if await cursor.fetchone() is None:
        await connection.execute(
            sql.SQL(
                "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS"
                " CONNECTION LIMIT {}"
            ).format(name, sql.Literal(CONNECTIONS))
        )
    await _set_password(connection, role, password)
    await _configure(connection, role)
    await connection.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(connection.info.dbname), name)
    )


async def _set_password(connection: AsyncConnection[Any], role: str, password: str) -> None:
    """The server gets the verifier only, so that no log of statements can hold the password."""
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    await connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier))
    )


async def _configure(connection: AsyncConnection[Any], role: str) -> None:
    name = sql.Identifier(role)
    settings = {**SETTINGS, "search_path": f'pg_catalog, "{role}"'}
    if await _is_superuser(connection):
        settings |= SUPERUSERS_SETTINGS
    if connection.info.server_version < 170000:
        settings.pop("transaction_timeout")
    for setting, value in settings.items():
        if setting == "search_path":
            told = sql.SQL("pg_catalog, {}").format(name)
        else:
            told = sql.SQL("{}").format(sql.Literal(value))
        await connection.execute(sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(setting), told))


async def _is_superuser(connection: AsyncConnection[Any]) -> bool:
    cursor = await connection.execute("SELECT current_setting('is_superuser') = 'on' AS yes")
    row = await cursor.fetchone()
    return bool(row and row["yes"])


async def _harden(connection: AsyncConnection[Any], *, own_server: bool) -> None:
    """Take from every role what PostgreSQL gives to all. Said again it changes nothing."""
    await connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    if not own_server or not await _is_superuser(connection):
        return
    database = sql.Identifier(connection.info.dbname)
    await connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    for other in await _all(connection, "SELECT datname AS name FROM pg_database WHERE datistemplate"):
        await connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(other)))
    visible = await _all(
        connection,
        "SELECT c.relname AS name FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a"
        " WHERE c.relnamespace = 'pg_catalog'::regnamespace AND a.grantee = 0 GROUP BY 1",
    )
    if visible:
        tables = sql.SQL(", ").join(sql.Identifier("pg_catalog", table) for table in visible)
        await connection.execute(sql.SQL("REVOKE ALL ON {} FROM PUBLIC").format(tables))
    callable_ = await _all(
        connection,
        "SELECT format('%%I(%%s)', p.proname, pg_get_function_identity_arguments(p.oid)) AS name FROM pg_proc p"
        " WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.proname ~ %s"
        " AND has_function_privilege('public', p.oid, 'execute')",
        [HIDDEN_FUNCTIONS],
    )
    if callable_:
        functions = sql.SQL(", ").join(sql.SQL("pg_catalog." + each) for each in callable_)
        await connection.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(functions))


async def _all(connection: AsyncConnection[Any], query: str, values: Any = ()) -> list[str]:
    cursor = await connection.execute(query, values)
    return [row["name"] for row in await cursor.fetchall()]
