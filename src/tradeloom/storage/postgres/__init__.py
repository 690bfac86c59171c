"""PostgreSQL: the local server, the schema's migrations, and the adapters of the journal and the stores."""
