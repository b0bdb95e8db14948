"""The questions that the assistant could not answer: the organiser's page, with what she does about them."""
