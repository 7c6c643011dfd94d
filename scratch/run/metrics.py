"""What a run measures: one row per epoch in a CSV file, a score, and the history in memory."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scratch.run.files import atomic_write
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]
Row = dict[str, Any]

COLUMNS = ("twin", "epoch", "step", "train_loss", "val_loss", "val_metric", "lr", "seconds")
_TYPES: dict[str, Any] = {"twin": str, "epoch": int, "step": int}


@dataclass
class History:
    """What a training loop returns.

    Attributes:
        rows: one per epoch, the columns of metrics.csv.
        step_losses: training loss of every step.
        seconds: duration of the training.
        stopped: why it ended before its last epoch, "" if it did not.
    """

    rows: list[Row] = field(default_factory=list)
    step_losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    stopped: str = ""


class MetricsCsv:
    """Appends rows to a CSV file; each is in the file before `append` returns.

    Args:
        path: made with its header unless it is there; a torn last line (of a run that was killed
            while writing) is removed.

    Raises:
        UserError: the file is another kind of table, or cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.exists() and self.path.stat().st_size:
            _rewrite(self.path, read_metrics(self.path))
        else:
            _rewrite(self.path, [])

    def append(
        self,
        *,
        twin: str,
        epoch: int,
        step: int,
        train_loss: float | None = None,
        val_loss: float | None = None,
        val_metric: float | None = None,
        lr: float | None = None,
        seconds: float | None = None,
    ) -> None:
        """Append the row of one epoch and flush it; None leaves a field empty.

        Raises:
            UserError: the file cannot be written.
        """
        row = (twin, epoch, step, train_loss, val_loss, val_metric, lr, seconds)
        try:
            with open(self.path, "a", newline="", encoding="utf-8") as file:
                file.write(_lines([dict(zip(COLUMNS, row, strict=True))]))
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror})") from error


def _lines(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        cells = (row[name] for name in COLUMNS)
        # float() first: NumPy's numbers would print their type; 17 digits come back bit for bit.
        writer.writerow(
            "" if cell is None else _TYPES.get(name, float)(cell)
            for name, cell in zip(COLUMNS, cells, strict=True)
        )
    return text.getvalue()


def _rewrite(path: Path, rows: list[Row]) -> None:
    atomic_write(path, (",".join(COLUMNS) + "\n" + _lines(rows)).encode())


def read_metrics(path: str | Path) -> list[Row]:
    """Read the rows of a metrics file; an empty field is None, a torn last line is left out.

    Raises:
        UserError: missing, another kind of table, or a cell that is not a number.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a metrics file (not UTF-8 text)") from error
    lines = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1])))
    if not lines or tuple(lines[0]) != COLUMNS:
        raise UserError(f"{path}: not a metrics file; its first line is {','.join(COLUMNS)}")
    rows: list[Row] = []
    for number, cells in enumerate(lines[1:], start=2):
        try:
            rows.append(
                {
                    name: None if cell == "" else _TYPES.get(name, float)(cell)
                    for name, cell in zip(COLUMNS, cells, strict=True)
                }
            )
        except ValueError as error:
            raise UserError(f"{path}, line {number}: {error}; remove the line") from error
    return rows


def forget_after(path: str | Path, twin: str, step: int) -> None:
    """Remove a twin's rows beyond a step: a run resumed from there writes them again.

    Args:
        path: a metrics file; nothing happens if it is not there.
        twin: whose rows.
        step: the last step that stays.

    Raises:
        UserError: not a metrics file, or it cannot be written.
    """
    path = Path(path)
    if path.exists():
        rows = read_metrics(path)
        _rewrite(path, [row for row in rows if row["twin"] != twin or row["step"] <= step])


def score(task: str, outputs: Array, targets: Array) -> dict[str, float]:
    """Return the metric of a task.

    Args:
        task: "regression" (R2), "binary" or "multiclass" (accuracy).
        outputs: what the network returns: values (N, K), a logit for each of K yes-or-no answers,
            (N, K), or logits (N, C). The accuracy is the share of right answers among all N K.
        targets: (N, K), or class numbers (N,).

    Returns:
        {"r2": ...} or {"accuracy": ...}; NaN where an output is not finite, or for the R2 of a
        single sample.

    Raises:
        ValueError: an unknown task, or sizes that do not match.
    """
    if task not in ("regression", "binary", "multiclass"):
        raise ValueError(f"unknown task {task!r}")
    if len(outputs) != len(targets) or len(targets) == 0:
        raise ValueError(f"expects one output per target; got {len(outputs)} for {len(targets)}")
    name = "r2" if task == "regression" else "accuracy"
    if not np.isfinite(outputs).all() or (task == "regression" and len(targets) < 2):
        return {name: math.nan}
    from sklearn.metrics import accuracy_score, r2_score

    if task == "regression":
        return {name: float(r2_score(targets, outputs))}
    guess = outputs.reshape(-1) > 0 if task == "binary" else outputs.argmax(axis=1)
    truth = targets.reshape(-1) > 0.5 if task == "binary" else targets
    return {name: float(accuracy_score(truth, guess))}
