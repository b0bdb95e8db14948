"""Models brought into Ollama from the settings' page: what can be had, the download under way, and its end."""
