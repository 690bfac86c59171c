-- What executions meant to happen at the broker, written before the bridge hears of it, and what came of it.
CREATE TABLE orders (
    tenant          text NOT NULL,
    client_order_id text NOT NULL,
    magic           bigint NOT NULL,
    account         text NOT NULL,
    execution_id    text NOT NULL,
    workflow_id     text NOT NULL,
    version         text NOT NULL,
    node            text NOT NULL,
    iteration       integer[] NOT NULL,
    test_mode       boolean NOT NULL,
    resend_of       text,
    intent          json NOT NULL,
    state           text NOT NULL CHECK (state IN ('intended', 'withdrawn', 'unknown', 'manual', 'done', 'partial',
        'placed', 'cancelled', 'expired', 'rejected', 'not_sent')),
    outcome         json,
    message         text NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    checks          integer NOT NULL,
    check_at        timestamptz,
    PRIMARY KEY (tenant, client_order_id)
) WITH (fillfactor = 80);
CREATE INDEX orders_newest ON orders (tenant, created_at DESC, client_order_id DESC);
CREATE INDEX orders_of_execution ON orders (tenant, execution_id);
CREATE INDEX orders_by_magic ON orders (tenant, account, magic);
CREATE INDEX orders_due ON orders (check_at) WHERE check_at IS NOT NULL;
