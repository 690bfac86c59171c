DROP TABLE variable_writes, variables;
