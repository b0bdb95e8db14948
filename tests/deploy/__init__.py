"""What is checked of deploy/ and of the locked packages, without a Pi at hand."""
