"""Mail: a Gmail or an IMAP mailbox, contacted only when the organiser presses a button."""
