"""Commands for people and for `make`: what writes into the documents, and what asks about the locked packages."""
