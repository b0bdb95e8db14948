"""The set-up in four steps: the café, the next date, the assistant and the password. The home page links to it."""
