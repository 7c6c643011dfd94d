"""Data sets as NumPy arrays, and the order in which their samples are read."""
