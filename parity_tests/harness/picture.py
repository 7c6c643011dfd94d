"""One network's proof as a picture: how much of its bound every module uses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from parity_tests.harness.verdict import Check

STYLE = {
    "scratch float64": ("#0072B2", "o"),
    "scratch float32": ("#E69F00", "s"),
    "torch float32": ("#009E73", "^"),
}
FLOOR = 1e-3  # a difference of zero is drawn here


def parity_chart(path: Path, title: str, checks: Sequence[Check]) -> None:
    """Draw the used share of the bound of every module, forward and backward.

    Args:
        path: PNG to write.
        title: heading.
        checks: of one chapter, from L2 and L3, modules in the order of their forwards.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    judged = [c for c in checks if c.level in ("L2", "L3") and c.engine in STYLE]
    modules = list(dict.fromkeys(check.module for check in judged))
    figure, panels = plt.subplots(
        2, 1, figsize=(max(6.0, 0.4 * len(modules) + 2), 5.6), sharex=True, layout="constrained"
    )
    for panel, direction in zip(panels, ("forward", "backward"), strict=True):
        for engine, (colour, marker) in STYLE.items():
            worst = {
                module: max(
                    (
                        check.used
                        for check in judged
                        if (check.module, check.engine, check.direction)
                        == (module, engine, direction)
                    ),
                    default=None,
                )
                for module in modules
            }
            places = [i for i, module in enumerate(modules) if worst[module] is not None]
            shares = [max(worst[modules[i]] or 0.0, FLOOR) for i in places]
            if places:
                panel.plot(places, shares, marker, color=colour, label=engine, alpha=0.85)
        panel.axhline(1.0, color="#D55E00", linewidth=1.5)
        panel.annotate(
            "bound",
            (1.0, 1.0),
            xycoords=("axes fraction", "data"),
            xytext=(-4, 3),
            textcoords="offset points",
            ha="right",
            color="#D55E00",
        )
        panel.set_yscale("log")
        panel.set_ylim(FLOOR / 2, 4)
        panel.set_yticks([FLOOR, 0.01, 0.1, 1], ["0", "0.01", "0.1", "1"])
        panel.set_ylabel(f"{direction}\nerror / bound")
        panel.grid(axis="y", alpha=0.3)
    figure.suptitle(title)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    names = [module or "(network)" for module in modules]
    panels[1].set_xticks(range(len(modules)), names, rotation=60, ha="right")
    figure.savefig(path, dpi=110)
    plt.close(figure)
