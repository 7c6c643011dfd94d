"""Pictures of a run as PNG files: what it learnt, how, and how far apart the twins are.

They know neither twin: a network enters as `predict`, a function from an array to an array.
"""

from scratch.run.pictures.curves import loss_curve, twin_gap
from scratch.run.pictures.images import confusion_matrix, kernels, sample_grid
from scratch.run.pictures.planes import decision_boundary, fitted_line, predicted_against_true
from scratch.run.pictures.space import grid_lines, space_transformation

__all__ = [
    "confusion_matrix",
    "decision_boundary",
    "fitted_line",
    "grid_lines",
    "kernels",
    "loss_curve",
    "predicted_against_true",
    "sample_grid",
    "space_transformation",
    "twin_gap",
]
