"""What breaks on a Pi, one after the other, against the real app in its own process."""
