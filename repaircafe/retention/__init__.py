"""Nothing that visitors said is kept longer than CHAT_RETENTION_DAYS, and no mail longer than MAIL_RETENTION_DAYS."""
