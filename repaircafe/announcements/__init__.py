"""Texts that announce the next repair café."""
