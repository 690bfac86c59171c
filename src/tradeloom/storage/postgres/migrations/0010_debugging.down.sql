DROP TABLE pins;
DELETE FROM node_runs WHERE kind = 'pause';
ALTER TABLE node_runs DROP CONSTRAINT node_runs_kind_check;
ALTER TABLE node_runs ADD CONSTRAINT node_runs_kind_check CHECK (kind IN ('task', 'wait'));
DROP TABLE execution_retries;
ALTER TABLE executions DROP COLUMN mode;
