"""The look that all pictures share; matplotlib is imported when the first one is drawn."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from scratch.run.files import atomic_write
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]
Predict = Callable[[Array], Array]

# Okabe and Ito, "Color universal design", 2008: distinct for every kind of colour vision.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, BLACK = "#CC79A7", "#56B4E9", "#F0E442", "#000000"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED, YELLOW, BLACK)
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
DIVERGING = "PuOr"
GREYS = "gray"

_SETTINGS: Any = {
    "axes.grid": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "figure.titlesize": 13,
    "font.size": 10,
    "legend.frameon": False,
    "savefig.facecolor": "white",
}


@contextmanager
def picture(path: str | Path, title: str, width: float, height: float) -> Iterator[Any]:
    """Give an empty figure, and write it when the block ends without an error.

    Args:
        path: the PNG file; its folder exists.
        title: printed above everything.
        width: in inches.
        height: in inches.

    Raises:
        UserError: matplotlib is missing or the file cannot be written.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise UserError("pictures need matplotlib: pip install matplotlib") from error
    with matplotlib.rc_context(_SETTINGS):
        margins = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08)
        figure = Figure(figsize=(width, height), dpi=120, layout=margins)
        FigureCanvasAgg(figure)
        figure.suptitle(title)
        yield figure
        content = io.BytesIO()
        figure.savefig(content, format="png")
    atomic_write(path, content.getvalue())


def as_images(values: Array) -> Array | None:
    """Return rows as (N, side, side) images, or None if they are not square.

    Args:
        values: (N, H, W), (N, 1, H, W) or (N, side * side).
    """
    if values.ndim == 4 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim == 3:
        return values
    if values.ndim == 2:
        side = round(values.shape[1] ** 0.5)
        if side > 1 and side * side == values.shape[1]:
            return values.reshape(len(values), side, side)
    return None
