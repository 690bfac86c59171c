-- Roles and schemas stay: what tenants saved is theirs.
DROP TABLE tenant_databases;
