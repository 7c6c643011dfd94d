"""A layer that is not run again where nothing it is given has changed.

The complex step moves one entry and runs the whole network. What lies before that entry gives the
same numbers as ever, and in a deep network that is most of the work.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratch.nests import leaves, rebuilt
from scratch.nn import Module

Array = np.ndarray[Any, np.dtype[Any]]


class Reused:
    """Stands in for the forward of a layer without children.

    The first run of the network, with nothing moved, is remembered. In later ones the layer gives
    the same array again where its inputs have the same entries and none of its parameters has
    moved. So it supposes a layer that writes to none of its inputs and remembers nothing.
    """

    def __init__(self, module: Module) -> None:
        self._forward, self._parameters = module.forward, list(module._parameters.values())
        self._seen: list[tuple[list[Array], Any]] = []  # per call: inputs and output
        self._call = 0
        self._moved: Array | None = None
        module.__dict__["forward"] = self

    def begin(self, moved: Array | None) -> None:
        """Start a run of the network.

        Args:
            moved: the tensor in which, in place, an entry differs; None to remember the run.
        """
        self._call, self._moved = 0, moved
        if moved is None:
            self._seen.clear()

    def __call__(self, *inputs: Any) -> Any:
        """Give what was given before for the same inputs, or compute it."""
        call, self._call = self._call, self._call + 1
        given = [x for x in leaves(inputs) if x is not None]
        if self._moved is None:
            output = self._forward(*inputs)
            output = rebuilt(output, map(_read_only, leaves(output)))
            self._seen.append((given, output))
            return output
        if call < len(self._seen) and not self._reached(given, self._moved):
            before, output = self._seen[call]
            if len(given) == len(before) and all(map(_same, given, before)):
                return output
        return self._forward(*inputs)

    def _reached(self, inputs: list[Array], moved: Array) -> bool:
        """Tell whether the moved tensor is a parameter or, as it may be in a block, an input."""
        return any(p.data is moved for p in self._parameters) or any(
            np.may_share_memory(x, moved) for x in inputs
        )


def _read_only(values: Array) -> Array:
    """Return a view that later runs may be given too."""
    view = np.asarray(values).view()
    view.flags.writeable = False
    return view


def _same(a: Array, b: Array) -> bool:
    return a is b or np.array_equal(a, b)
