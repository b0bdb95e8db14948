"""Two hosts of one café: switched on together, behind a proxy, and upgraded one after the other."""
