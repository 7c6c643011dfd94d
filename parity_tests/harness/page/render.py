"""Fill the template."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from parity_tests.harness import bounds
from parity_tests.harness.document import Document
from parity_tests.harness.page import content, shares, training_plot
from parity_tests.harness.page.faults import Faults

TEMPLATE = "page.html.jinja"
IN_FULL = 2  # trainings that are drawn on the page; the others stand with their chapter


def page(documents: Sequence[Document], faults: Faults | None = None) -> str:
    """Return the page as HTML.

    Args:
        documents: of one or more runs, such as one per precision.
        faults: table of planted faults; None leaves the section out.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    gathered = content.gather(documents)
    chapters = [check for entry in gathered.entries if entry.step for check in entry.checks]
    trainings = gathered.trainings()
    across, down = training_plot.ticks()
    return environment.get_template(TEMPLATE).render(
        content=gathered,
        columns=shares.present(shares.COLUMNS, chapters),
        present=shares.present,
        all_columns=shares.COLUMNS,
        engines=gathered.engines(),
        bins=shares.BIN_NAMES,
        trainings=trainings,
        in_full=trainings[:IN_FULL],
        plot=training_plot,
        ticks_across=across,
        ticks_down=down,
        horizon=bounds.HORIZON,
        horizon_y=training_plot.down(bounds.HORIZON),
        trajectory=bounds.TRAJECTORY,
        faults=faults,
        number=shares.number,
        at_once=content.AT_ONCE,
    )
