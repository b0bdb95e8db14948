"""The tests of repaircafe.downloads, one file for each module."""
