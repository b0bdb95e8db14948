"""Whether a text says of the repair café what the facts say: plain code behind every text that the model writes."""
