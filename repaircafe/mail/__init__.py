"""Mail: Gmail, contacted only when the organiser presses a button."""
