"""One layer in one setting, and how such cases are written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RECURRENT = ("RNN", "LSTM", "GRU")
_INPUT = {"also", "target", "values", "training", "conv"}


@dataclass(frozen=True)
class Case:
    """One layer in one setting.

    Attributes:
        layer: class name, the same in both twins.
        setting: what is special, in words; unique within the layer.
        arguments: constructor keywords.
        shape: of the input, with the batch.
        also: shapes of the further inputs of a layer with several.
        exact: whether integer inputs stay exact, so that L0 applies.
        target: losses: "value" for a target of the input's shape, "binary", "index",
            "ignored" (some indices are ignored), "probability" or "sign" (-1 and 1).
        values: what is special about the input: "zeros" (a third is 0 or -0), "ties" (few distinct
            values), "far" (a third is 1e4 or -1e4), "shifted" (rows around 1e4 and -1e4), "spread"
            (1e4 times as large), "huge" and "tiny" (1e30 and 1e-41 times), "positive", "mean 1000"
            (so many deviations from zero), "constant" (one channel is), "special" (a NaN and
            infinities), "bottomless" (minus infinity in a corner) or "steep" (NaN and infinities
            in the cotangent); "" for nothing.
        training: whether the layer is in training mode.
        conv: how scratch convolves, a mode of `nn.conv_mode`; "" for the usual way.
    """

    layer: str
    setting: str
    arguments: Mapping[str, Any]
    shape: tuple[int, ...]
    exact: bool = True
    target: str = ""
    values: str = ""
    training: bool = True
    also: tuple[tuple[int, ...], ...] = ()
    conv: str = ""

    @property
    def smooth(self) -> bool:
        """Whether the complex step applies.

        Not at a kink, and not to saturated units that feed each other: of their slopes, 1 - y^2,
        rounding leaves few digits.
        """
        return (
            self.values not in ("zeros", "ties", "special", "bottomless", "steep")
            and self.layer != "Step"
            and not (self.values == "far" and self.layer in RECURRENT)
        )

    @property
    def name(self) -> str:
        """Name in reports."""
        return f"{self.layer} {self.setting}".strip()


@dataclass(frozen=True)
class Layer:
    """All cases of one class."""

    name: str
    exact: bool = True
    cases: list[Case] = field(default_factory=list)

    def at(self, shape: tuple[int, ...], setting: str, **arguments: Any) -> Layer:
        """Add a case, and return the layer for the next one."""
        exact = arguments.pop("exact", self.exact)
        more = {name: arguments.pop(name) for name in _INPUT & set(arguments)}
        self.cases.append(Case(self.name, setting, arguments, shape, exact, **more))
        return self
