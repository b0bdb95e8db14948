"""Downloads models into Ollama from the settings page: which ones there are, the progress and the result."""
