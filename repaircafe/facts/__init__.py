"""Checks whether a text about the repair café agrees with the facts. Plain code checks every text of the model."""
