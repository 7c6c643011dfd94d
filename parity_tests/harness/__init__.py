"""The proof as a library: run two implementations of a network and say where they part."""
