"""A line per epoch, for where no progress bar can be drawn: read from the run's own metrics.csv."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

from scratch.run.metrics import read_metrics

PAUSE = 0.3  # seconds between two looks


class Follow:
    """Prints the rows of a metrics file as they are written, while the `with` block runs.

    Args:
        path: the file; may not be there yet.
        epochs: of the whole run.
        metric: name of the validation metric.
    """

    def __init__(self, path: Path, epochs: int, metric: str) -> None:
        self.path, self.epochs, self.metric = path, epochs, metric
        self.shown = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Follow:
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ended.set()
        self.thread.join()
        self._show()

    def _watch(self) -> None:
        while not self.ended.wait(PAUSE):
            self._show()

    def _show(self) -> None:
        if not self.path.exists():
            return
        rows = read_metrics(self.path)
        for row in rows[self.shown :]:
            print(
                f"   {row['twin']:8} epoch {row['epoch']:2} of {self.epochs}: "
                f"training loss {row['train_loss']:.4f}, validation loss {row['val_loss']:.4f}, "
                f"{self.metric} {row['val_metric']:.4f}",
                flush=True,
            )
        self.shown = len(rows)
