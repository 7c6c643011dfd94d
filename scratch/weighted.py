"""The loss of a network with several outputs: the sum of each field's own, times its weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scratch.nn import Module


class WeightedLoss(Module):
    """sum over the fields of weight * loss(field, target).

    In evaluation such a network returns its main output alone, whose loss counts as it is.

    Args:
        loss: of one output and the target.
        weights: by the name of the field.

    Raises:
        ValueError: an output has a field without a weight, or a weight no field.
    """

    def __init__(self, loss: Module, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.loss = loss
        self.weights = dict(weights)

    def forward(self, output: Any, target: Any) -> Any:
        """Return the loss of an array (N, ...), or of a NamedTuple of them, and one target."""
        kind: Any = type(output)
        if not issubclass(kind, tuple):
            self.save(None)
            return self.loss(output, target)
        fields = getattr(kind, "_fields", ())
        if set(fields) != set(self.weights):
            wanted = tuple(self.weights)
            raise ValueError(f"a {kind.__name__} with the fields {fields}: expects {wanted}")
        self.save(kind)
        values = output._asdict().items()
        return sum(self.weights[name] * self.loss(value, target) for name, value in values)

    def backward(self, d_loss: Any = 1.0) -> Any:
        """Return the gradient of the output, with the fields that it had."""
        kind = self.saved()
        if kind is None:
            return self.loss.backward(d_loss)
        # The one loss was called for each field in turn: its memory is a stack.
        names = reversed(kind._fields)
        return kind(**{name: self.loss.backward(self.weights[name] * d_loss) for name in names})
