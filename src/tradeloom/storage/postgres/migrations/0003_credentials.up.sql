-- Sealed credentials. `fields` names what is set; the values are in `ciphertext` only.
CREATE TABLE credentials (
    tenant       text NOT NULL,
    id           text NOT NULL,
    name         text NOT NULL,
    kind         text NOT NULL,
    version      integer NOT NULL,
    fields       text[] NOT NULL,
    wrapped_key  bytea NOT NULL,
    nonce        bytea NOT NULL,
    ciphertext   bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, name)
);
