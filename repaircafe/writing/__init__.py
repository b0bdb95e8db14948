"""The texts of the model: what it is asked, how its answer is read and shown, and why it is incomplete."""
