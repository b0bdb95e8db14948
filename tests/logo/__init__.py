"""Tests of the logo."""
