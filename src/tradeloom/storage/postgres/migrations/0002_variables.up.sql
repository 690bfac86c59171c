-- What nodes remember between runs. A value of null is none: the row stays, so that revisions never repeat.
CREATE TABLE variables (
    tenant     text NOT NULL,
    scope      text NOT NULL,
    key        text NOT NULL,
    value      json,
    revision   bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz,
    PRIMARY KEY (tenant, scope, key)
);

-- What each effect left, so that a node that runs again changes nothing a second time.
CREATE TABLE variable_writes (
    tenant     text NOT NULL,
    effect     text NOT NULL,
    value      json,
    previous   json,
    revision   bigint NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, effect)
);
CREATE INDEX variable_writes_oldest ON variable_writes (written_at);
