"""Sheets to print: a poster, a flyer, a card for the tables and a sign for the door."""
