"""The tests of repaircafe.chat, one file for each module."""
