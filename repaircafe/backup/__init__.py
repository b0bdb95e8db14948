"""Backups: one file each, checked before it is trusted, restored beside the live data before it takes their place."""
