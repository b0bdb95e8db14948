"""The language model: Ollama or a llama.cpp server, told apart by asking."""
