"""Real machines, browsers, faults, time and figures: what the tests that mirror the package cannot show."""
