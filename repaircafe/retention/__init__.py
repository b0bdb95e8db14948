"""Nothing that visitors said is kept longer than CHAT_RETENTION_DAYS."""
