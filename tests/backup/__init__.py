"""The tests of repaircafe.backup, one file for each module."""
