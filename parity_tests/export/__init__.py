"""Level L6: the exported file is the network, in every engine, and the checker can say no."""
