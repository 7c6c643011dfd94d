"""Members and their vote: what bagging gains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scratch.run.pictures.style import BLUE, ORANGE, picture

_ROOM = 0.25  # of the axis below the lowest, as a share of what lies between lowest and highest


def votes(path: str | Path, members: Sequence[float], vote: float, title: str = "Bagging") -> None:
    """Draw a bar per member and a line at the accuracy of their majority vote.

    The axis begins a little below the lowest accuracy, as it says.

    Args:
        path: the PNG file.
        members: accuracy of each member, 0 to 1.
        vote: accuracy of the majority vote.
        title: printed above.

    Raises:
        ValueError: no member.
        UserError: matplotlib is missing or the file cannot be written.
    """
    if not members:
        raise ValueError("a vote needs at least one member")
    values = [*members, vote]
    bottom = max(0.0, min(values) - _ROOM * (max(values) - min(values)) - 0.005)
    with picture(path, title, max(4.5, 2.5 + 0.5 * len(members)), 4.2) as figure:
        axis = figure.subplots()
        numbers = range(1, len(members) + 1)
        bars = axis.bar(numbers, members, color=BLUE, width=0.7, label="member")
        axis.bar_label(bars, fmt="%.3f", fontsize=8)
        axis.axhline(vote, color=ORANGE, linewidth=2, label=f"majority vote {vote:.4f}")
        axis.set_ylim(bottom, min(1.02, max(values) + 0.25 * (max(values) - bottom)))
        axis.set_xticks(list(numbers))
        axis.set_xlabel("member")
        axis.set_ylabel(f"test accuracy (axis from {bottom:.2f})")
        axis.legend(loc="upper center", ncols=2, fontsize=9)
