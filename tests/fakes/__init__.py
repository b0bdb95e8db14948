"""Neighbours that cannot be had here, or that have to misbehave on command. Each says what it leaves out."""
