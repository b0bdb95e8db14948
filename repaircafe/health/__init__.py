"""Health that tells the truth: one check a neighbour, one state, read by people, monitors and the watchdog."""
