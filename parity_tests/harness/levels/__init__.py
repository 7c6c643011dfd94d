"""The levels of the proof; each takes a pair and returns checks."""
