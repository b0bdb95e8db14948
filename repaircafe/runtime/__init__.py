"""How the app starts, is served and is watched: the waiting page, gunicorn's worker, and what systemd is told."""
