"""Anything at all in every input."""
