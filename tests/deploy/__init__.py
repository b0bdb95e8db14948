"""The files of deploy/ and the Makefile, tested without a Pi."""
