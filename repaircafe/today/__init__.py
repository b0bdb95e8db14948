"""What is to be done today: before, during and after the repair café."""
