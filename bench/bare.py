"""The reference: a Flask app with one route, which asks nobody."""

from flask import Flask

app = Flask(__name__)


@app.get("/health")
def health() -> dict[str, str]:
    """What the least of all health routes answers."""
    return {"status": "healthy"}
