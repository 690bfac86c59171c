-- Schedules that fail: counted failures in a row, and until when one is set aside. The empty node is the workflow whole.
CREATE TABLE schedule_faults (
    tenant      text NOT NULL,
    workflow_id text NOT NULL,
    node        text NOT NULL,
    failures    integer NOT NULL,
    rounds      integer NOT NULL,
    error       text NOT NULL,
    reason      text NOT NULL,
    failed_at   timestamptz NOT NULL,
    until       timestamptz,
    PRIMARY KEY (tenant, workflow_id, node)
);

-- The latest market time at which an execution that has not begun may still begin.
ALTER TABLE executions ADD COLUMN start_by timestamptz;

-- Each start that counts against a tenant's quota, once; and what they come to by day and month (UTC).
CREATE TABLE quota_starts (
    tenant       text NOT NULL,
    execution_id text NOT NULL,
    workflow_id  text NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (tenant, execution_id)
);
CREATE INDEX quota_starts_newest ON quota_starts (tenant, at);

CREATE TABLE quota_usage (
    tenant text NOT NULL,
    period text NOT NULL,
    starts bigint NOT NULL,
    PRIMARY KEY (tenant, period)
);
