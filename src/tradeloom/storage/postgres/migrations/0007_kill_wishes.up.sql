-- Kills a person asked for that the account's bridge has not confirmed yet, written beside the telling.
CREATE TABLE kill_wishes (
    tenant    text NOT NULL,
    account   text NOT NULL,
    id        text NOT NULL,
    mode      text NOT NULL CHECK (mode IN ('reduce', 'pause', 'flatten')),
    reason    text NOT NULL,
    by_whom   text NOT NULL,
    wished_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, account)
);
