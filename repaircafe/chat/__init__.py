"""The conversations of visitors with the model, kept no longer than CHAT_RETENTION_DAYS."""
