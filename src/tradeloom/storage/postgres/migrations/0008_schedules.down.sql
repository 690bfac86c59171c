DROP TABLE quota_usage, quota_starts;
ALTER TABLE executions DROP COLUMN start_by;
DROP TABLE schedule_faults;
