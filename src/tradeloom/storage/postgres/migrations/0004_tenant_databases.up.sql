-- The login role of each tenant that has tables of its own; its schema bears the same name. The password opens nothing
-- that the owner of this table cannot open without it.
CREATE TABLE tenant_databases (
    tenant     text PRIMARY KEY,
    role       text NOT NULL UNIQUE,
    password   text NOT NULL,
    created_at timestamptz NOT NULL
);
