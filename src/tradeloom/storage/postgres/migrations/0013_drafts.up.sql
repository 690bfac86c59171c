-- What is drawn and not saved: one draft a workflow, which goes with it.
CREATE TABLE workflow_drafts (
    tenant       text NOT NULL,
    workflow_id  text NOT NULL,
    document     json NOT NULL,
    base_version text NOT NULL,
    revision     text NOT NULL,
    saved_by     text NOT NULL,
    saved_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant, workflow_id),
    FOREIGN KEY (tenant, workflow_id) REFERENCES workflows ON DELETE CASCADE
);
