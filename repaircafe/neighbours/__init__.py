"""How the app talks to its neighbours: with limits of time and size, and a reason for every failure."""
