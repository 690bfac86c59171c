DROP TABLE notifications, logs, node_runs, executions, schedule_fires, workflow_versions, workflows;
DROP SEQUENCE engine_ids;
