"""Real systemd in systemd-nspawn, as root: the service as its operator meets it."""
