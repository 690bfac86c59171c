-- Words by which people find their workflows. They say nothing of what a workflow does, so no version holds them.
ALTER TABLE workflows ADD COLUMN tags text[] NOT NULL DEFAULT '{}';
