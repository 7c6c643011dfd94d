"""The networks of the book; the same files, classes and names as `scratch.models`."""
