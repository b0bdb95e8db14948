"""How the app starts, is served and is monitored: the waiting page, gunicorn's hooks and worker, systemd."""
