"""When to stop training early: one rule for both loops, so that both end at the same epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from scratch.spec.schema import Stop

STEADY = 4  # checks in a row with a small difference


class Stopper:
    """Looks at the validation loss of every epoch.

    All it knows follows from the losses, so a resumed run shows it the rows of the run so far.

    Args:
        rules: of the chapter, None to go on to the last epoch.
        rows: epochs seen already, as in metrics.csv.

    Attributes:
        reason: why to stop, "" for going on.
        best_epoch: epoch of the lowest loss of all checks, 0 before the first.
        improved: whether that is the last epoch seen.
    """

    def __init__(self, rules: Stop | None, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        self.rules = rules
        self.reason = ""
        self.best_epoch = 0
        self.improved = False
        self._lowest = math.inf
        self._last: float | None = None
        self._steady = self._waited = 0
        for row in rows:
            self.see(row["epoch"], row["val_loss"])

    @property
    def keeps_best(self) -> bool:
        """Whether the run ends with the weights of the lowest loss."""
        return self.rules is not None and self.rules.patience is not None

    def see(self, epoch: int, loss: float | None) -> str:
        """Judge an epoch, counted from 1; return why to stop, "" for going on.

        Args:
            epoch: that has ended.
            loss: its validation loss, None if there was no validation.
        """
        self.improved = False
        rules = self.rules
        if rules is None or loss is None or epoch % rules.check_every:
            return self.reason
        if loss < self._lowest:
            self._lowest, self.best_epoch, self.improved = loss, epoch, True
            self._waited = 0
        else:
            self._waited += 1
        change = math.inf if self._last is None else abs(loss - self._last)
        steady = rules.difference is not None and change < rules.difference
        self._steady = self._steady + 1 if steady else 0
        self._last = loss
        if not self.reason:
            self.reason = self._judge(rules, epoch, loss)
        return self.reason

    def _judge(self, rules: Stop, epoch: int, loss: float) -> str:
        said = f"stopped after epoch {epoch}: the validation loss"
        if rules.loss is not None and loss <= rules.loss:
            return f"{said} {loss:.6g} is at most {rules.loss:g}"
        if self._steady == STEADY:
            return f"{said} changed by less than {rules.difference:g} {STEADY} checks in a row"
        if rules.patience is not None and self._waited >= rules.patience:
            return (
                f"{said} has not fallen below the {self._lowest:.6g} of epoch {self.best_epoch} "
                f"in {rules.patience} checks"
            )
        return ""
