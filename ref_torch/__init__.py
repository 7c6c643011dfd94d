"""The reference twin: every model of the book in PyTorch, trained by Lightning.

>>> import ref_torch
>>> callable(ref_torch.build)
True
"""

from ref_torch.build import build

__all__ = ["build"]
