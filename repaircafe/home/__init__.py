"""The home page, which visitors see first."""
