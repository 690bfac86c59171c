-- The trade ledger: one row a closing deal, copied from the broker's history, which may forget. Rows are never changed.
-- `session` tells the replays of a paper account apart, whose tickets come again; it is empty for a broker's account.
CREATE TABLE trades (
    tenant           text NOT NULL,
    account          text NOT NULL,
    session          text NOT NULL,
    deal             bigint NOT NULL,
    closed_at        timestamptz NOT NULL,
    symbol           text NOT NULL,
    currency         text NOT NULL,
    gross            numeric NOT NULL,
    swap             numeric NOT NULL,
    commission       numeric NOT NULL,
    fee              numeric NOT NULL,
    net              numeric NOT NULL,
    r_multiple       numeric,
    workflow_id      text,
    workflow_version text,
    workflow_name    text,
    record           json NOT NULL,
    kept_at          timestamptz NOT NULL,
    PRIMARY KEY (tenant, account, session, deal)
);
CREATE INDEX trades_newest ON trades (tenant, closed_at DESC, deal DESC);
CREATE INDEX trades_of_workflow ON trades (tenant, workflow_id, closed_at DESC);
