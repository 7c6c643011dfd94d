"""Data sets as NumPy arrays, and the order in which their samples are read."""

from scratch.data.dataset import Dataset, Split
from scratch.data.loading import load

__all__ = ["Dataset", "Split", "load"]
