"""The language model: Ollama or a llama.cpp server. We ask the server which one it is."""
