"""The app's pages in a real browser."""
