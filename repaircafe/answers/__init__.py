"""Answers from the organiser's facts, without a model: which topics a question has, and what the settings say."""
