"""Golden vectors and the comparison, with a foreign implementation in C."""
