"""PostgreSQL: connections that never hang, tables and their migrations, and its errors translated into ours."""
