"""The reference: a Flask app with one route, which asks no neighbour."""

from flask import Flask

app = Flask(__name__)


@app.get("/health")
def health() -> dict[str, str]:
    """The smallest possible health route."""
    return {"status": "healthy"}
