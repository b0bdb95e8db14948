"""Health: one check for each neighbour and one state of the app, for people, monitoring programs and the watchdog."""
