"""How fast networks converge under different normalisations, as curves of R2 over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

from scratch.run.pictures.style import MARKERS, PALETTE, picture

Curves = Mapping[str, Sequence[float]]

_TICKS = tuple(digit * 10**power for power in range(7) for digit in (1, 2, 5))
_FLOOR = -0.5  # R2 far below that of a constant says nothing more


def convergence(
    path: str | Path,
    panels: Mapping[str, Curves],
    best: float,
    enough: float,
    title: str = "Normalisation and convergence",
) -> None:
    """Draw R2 on the validation samples over the epochs, one panel per comparison.

    The epochs are on a logarithmic axis: what matters happens in the first ones.

    Args:
        path: the PNG file.
        panels: by name of the comparison and label of the run, R2 after every epoch; a run without
            values (it diverged) is in the legend only.
        best: R2 of the least squares solution, drawn as a line.
        enough: R2 from which a run counts as converged, drawn dashed.
        title: printed above.

    Raises:
        ValueError: no panel, or a panel without a run.
        UserError: matplotlib is missing or the file cannot be written.
    """
    if not panels or not all(panels.values()):
        raise ValueError("a comparison needs at least one run")
    with picture(path, title, 6.4 * len(panels) + 0.4, 4.6) as figure:
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, (name, runs) in zip(axes, panels.items(), strict=True):
            axis.axhline(best, color="0.6", linewidth=1, label="least squares")
            axis.axhline(enough, color="0.6", linewidth=1, linestyle="--", label="converged")
            looks = zip(cycle(PALETTE), cycle(MARKERS), strict=False)
            for (label, values), (colour, marker) in zip(runs.items(), looks, strict=False):
                epochs = range(1, len(values) + 1)
                axis.plot(
                    epochs,
                    values,
                    marker=marker,
                    markersize=4,
                    color=colour if values else "none",
                    linewidth=1.4,
                    alpha=0.8,
                    label=label,
                )
            axis.set_xscale("log")
            last = max(len(values) for values in runs.values())
            ticks = [epoch for epoch in _TICKS if epoch <= last] or [1]
            axis.set_xticks(ticks, [str(epoch) for epoch in ticks])
            axis.minorticks_off()
            axis.set_ylim(_FLOOR, 1.05)
            axis.set_title(name, fontsize=11)
            axis.set_xlabel("epoch")
            axis.set_ylabel("R2 (validation)")
            axis.grid(color="0.9")
            axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
