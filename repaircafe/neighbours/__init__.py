"""How the app speaks with what it needs and does not own: bounded in time, and every failure with a reason."""
