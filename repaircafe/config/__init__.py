"""The settings: everything that is not a credential, in one table, edited on one page."""
