-- How an execution departs from a plain run, the retries of failed ones, pauses before nodes, and pinned outputs.
ALTER TABLE executions ADD COLUMN mode json;

CREATE TABLE execution_retries (
    execution_id text NOT NULL REFERENCES executions ON DELETE CASCADE,
    number       integer NOT NULL,
    at           timestamptz NOT NULL,
    by           text NOT NULL,
    anew         json NOT NULL,
    error        json,
    PRIMARY KEY (execution_id, number)
);

ALTER TABLE node_runs DROP CONSTRAINT node_runs_kind_check;
ALTER TABLE node_runs ADD CONSTRAINT node_runs_kind_check CHECK (kind IN ('task', 'wait', 'pause'));

CREATE TABLE pins (
    tenant      text NOT NULL,
    workflow_id text NOT NULL,
    node        text NOT NULL,
    port        text NOT NULL,
    output      json,
    pinned_by   text NOT NULL,
    pinned_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant, workflow_id, node),
    FOREIGN KEY (tenant, workflow_id) REFERENCES workflows ON DELETE CASCADE
);
