"""PostgreSQL: connections that never hang, tables and their migrations, and the errors as ours."""
