"""The list of dates: its table, the rules that make a series, and which date is the next one. No pages."""
