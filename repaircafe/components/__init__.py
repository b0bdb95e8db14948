"""The parts of which every page is made, on one page for developers."""
