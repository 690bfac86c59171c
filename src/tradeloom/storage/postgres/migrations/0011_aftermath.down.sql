DROP TABLE expectations;
DROP INDEX executions_unattended;
ALTER TABLE executions DROP COLUMN attended;
DROP INDEX trades_of_position, trades_closed_by_execution, trades_of_execution;
ALTER TABLE trades
    DROP COLUMN entry_ids,
    DROP COLUMN lots_left,
    DROP COLUMN volume,
    DROP COLUMN position,
    DROP COLUMN exit_execution_id,
    DROP COLUMN execution_id;
