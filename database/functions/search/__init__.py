"""Functions that make the words that something is found by, and the triggers that keep them."""
