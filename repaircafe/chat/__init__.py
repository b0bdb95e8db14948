"""The conversations: what visitors ask and what the model answers, kept no longer than CHAT_RETENTION_DAYS."""
