"""Results and messages as text, in a terminal or for programs."""
