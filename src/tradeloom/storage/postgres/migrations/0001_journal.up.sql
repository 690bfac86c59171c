CREATE SEQUENCE engine_ids;

CREATE TABLE workflows (
    tenant         text NOT NULL,
    id             text NOT NULL,
    name           text NOT NULL,
    description    text NOT NULL,
    version        text NOT NULL,
    active_version text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE workflow_versions (
    tenant      text NOT NULL,
    workflow_id text NOT NULL,
    version     text NOT NULL,
    number      integer NOT NULL,
    artefact    text NOT NULL,
    definition  text NOT NULL,
    account     text NOT NULL,
    metadata    json NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant, workflow_id, version),
    UNIQUE (tenant, workflow_id, number),
    FOREIGN KEY (tenant, workflow_id) REFERENCES workflows ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE schedule_fires (
    tenant      text NOT NULL,
    workflow_id text NOT NULL,
    node        text NOT NULL,
    last_fire   timestamptz NOT NULL,
    PRIMARY KEY (tenant, workflow_id, node)
);

-- JSON columns are `json`, not `jsonb`: they are read whole, and keep \u0000 and lone surrogates.
CREATE TABLE executions (
    id          text PRIMARY KEY,
    tenant      text NOT NULL,
    workflow_id text NOT NULL,
    version     text NOT NULL,
    definition  text NOT NULL,
    trigger     text NOT NULL,
    account     text NOT NULL,
    run         json NOT NULL,
    input       json,
    as_of       timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    dedupe_key  text,
    test_mode   boolean NOT NULL,
    manual      boolean NOT NULL,
    exclusive   boolean NOT NULL,
    status      text NOT NULL
        CHECK (status IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'STOPPED', 'TIMED_OUT')),
    started_at  timestamptz,
    finished_at timestamptz,
    output      json,
    error       json,
    has_errors  boolean NOT NULL,
    stop_reason text,
    last_seq    bigint NOT NULL,
    engine      bigint NOT NULL,
    UNIQUE (tenant, dedupe_key)
) WITH (fillfactor = 80);
CREATE INDEX executions_newest ON executions (tenant, created_at DESC, id DESC);
CREATE INDEX executions_of_workflow ON executions (tenant, workflow_id, created_at DESC, id DESC);
CREATE INDEX executions_active ON executions (tenant, workflow_id) WHERE status IN ('PENDING', 'RUNNING');

CREATE TABLE node_runs (
    execution_id text NOT NULL,
    path         text NOT NULL,
    attempt      integer NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('task', 'wait')),
    node         text NOT NULL,
    state        text NOT NULL,
    iteration    integer[] NOT NULL,
    function     text,
    status       text NOT NULL CHECK (status IN ('RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED')),
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    duration_ms  double precision,
    due          timestamptz,
    input        json,
    output       json,
    error        json,
    started_seq  bigint NOT NULL,
    finished_seq bigint,
    PRIMARY KEY (execution_id, path, attempt)
);

CREATE TABLE logs (
    execution_id text NOT NULL,
    seq          bigint NOT NULL,
    time         timestamptz NOT NULL,
    level        text NOT NULL,
    message      text NOT NULL,
    node         text,
    iteration    integer[] NOT NULL,
    fields       json NOT NULL,
    PRIMARY KEY (execution_id, seq)
);

CREATE TABLE notifications (
    id           text PRIMARY KEY,
    tenant       text NOT NULL,
    execution_id text NOT NULL,
    workflow_id  text NOT NULL,
    node_id      text NOT NULL,
    level        text NOT NULL,
    title        text NOT NULL,
    message      text NOT NULL,
    created_at   timestamptz NOT NULL
);
CREATE INDEX notifications_newest ON notifications (tenant, created_at DESC);
