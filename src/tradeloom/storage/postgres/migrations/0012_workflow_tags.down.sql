ALTER TABLE workflows DROP COLUMN tags;
