-- What executions made: a trade is found by the execution that opened it, and by the one that closed it.
ALTER TABLE trades
    ADD COLUMN execution_id      text,
    ADD COLUMN exit_execution_id text,
    ADD COLUMN position          bigint,
    ADD COLUMN volume            numeric,
    ADD COLUMN lots_left         numeric,
    ADD COLUMN entry_ids         text[];
UPDATE trades t SET
    execution_id = r.record ->> 'execution_id',
    exit_execution_id = r.record ->> 'exit_execution_id',
    position = (r.record ->> 'position')::bigint,
    volume = (r.record ->> 'volume')::numeric,
    lots_left = (r.record ->> 'left')::numeric,
    entry_ids = ARRAY(SELECT jsonb_array_elements_text(r.record -> 'entry_client_order_ids'))
FROM (
    SELECT tenant, account, session, deal, replace(record::text, '\u0000', '')::jsonb AS record FROM trades
) r
WHERE (t.tenant, t.account, t.session, t.deal) = (r.tenant, r.account, r.session, r.deal);
ALTER TABLE trades ALTER COLUMN position SET NOT NULL;
ALTER TABLE trades ALTER COLUMN volume SET NOT NULL;
ALTER TABLE trades ALTER COLUMN entry_ids SET NOT NULL;
CREATE INDEX trades_of_execution ON trades (tenant, execution_id);
CREATE INDEX trades_closed_by_execution ON trades (tenant, exit_execution_id);
CREATE INDEX trades_of_position ON trades (tenant, account, position);

-- Executions that came to a bad end and whose error workflow has not been seen to. The end and the wish for it are one
-- row, so that no crash comes between. What ended before this was kept starts nothing.
ALTER TABLE executions ADD COLUMN attended boolean NOT NULL DEFAULT false;
UPDATE executions SET attended = true WHERE status NOT IN ('PENDING', 'RUNNING');
CREATE INDEX executions_unattended ON executions (tenant, finished_at)
    WHERE NOT attended AND status IN ('FAILED', 'STOPPED', 'TIMED_OUT');

-- Up to when a workflow's expected runs were looked at, on its market clock, and up to when that is being told: a crash
-- between the telling and the note of it tells the same again, which is shown once. `activated_at` is of the activation
-- (wall time) that the expectation is from.
CREATE TABLE expectations (
    tenant        text NOT NULL,
    workflow_id   text NOT NULL,
    name          text NOT NULL,
    activated_at  timestamptz NOT NULL,
    checked_until timestamptz NOT NULL,
    telling_until timestamptz NOT NULL,
    PRIMARY KEY (tenant, workflow_id, name)
);
