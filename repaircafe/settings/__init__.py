"""The settings: their valid values and their storage. Their page and API are in config/."""
