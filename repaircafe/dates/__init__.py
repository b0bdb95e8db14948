"""`/dates` and `/api/events`: the organiser's list of dates. The list itself is in events/."""
