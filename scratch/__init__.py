"""The explanation: every model of the book in NumPy, with an explicit backward.

>>> import numpy as np
>>> import scratch
>>> model = scratch.build("mlp_xor")
>>> model(np.zeros((4, 2), np.float32)).shape
(4, 1)
"""

from scratch.build import build

__all__ = ["build"]
