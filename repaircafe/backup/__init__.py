"""Backups, each in one file. A restore checks the file and fills a second database before it replaces the live data."""
