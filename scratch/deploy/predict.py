"""A bundle at work: what the network says about an input, with ONNX Runtime and without torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scratch.data.preprocess import invert_target
from scratch.deploy import inputs, schema
from scratch.deploy.answer import all_right, labels, probabilities
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What the network says about one sample.

    Attributes:
        label: name of the likeliest class, of several binary answers one after the other; "" for
            regression.
        probabilities: of every class by name, of several binary answers of the likeliest only;
            empty for regression.
        values: predicted numbers in the target's unit, one per output; empty for classes.
    """

    label: str = ""
    probabilities: Mapping[str, float] = dataclasses.field(default_factory=dict)
    values: tuple[float, ...] = ()


class Predictor:
    """A bundle, opened and verified.

    Args:
        folder: the bundle.

    Raises:
        UserError: no bundle, a missing or altered model file, or a description
            other than the one the model was written with.
        ImportError: onnxruntime is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        self.bundle = schema.read(folder)
        problem = (
            self.bundle.problem(folder, schema.MODEL)
            if schema.MODEL in self.bundle.files
            else f"not listed in {schema.NAME}"
        )
        if problem:
            raise UserError(f"{folder / schema.MODEL}: {problem}")

        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / schema.MODEL), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors share no base but Exception
            raise UserError(f"{folder / schema.MODEL}: onnxruntime refuses it ({error})") from error
        held = self._session.get_modelmeta().custom_metadata_map.get(schema.MEANING)
        if held != self.bundle.meaning():
            raise UserError(
                f"{folder / schema.NAME}: says something else than when {schema.MODEL} was "
                "written; export it anew"
            )

    def outputs(self, x: Array) -> Array:
        """Return the network's outputs (N, C) for its inputs (N, *shape) float32.

        Raises:
            UserError: another shape or dtype, or values that are not finite.
        """
        tensor = self.bundle.inputs[0]
        if x.shape[1:] != tensor.shape[1:] or not len(x) or x.dtype != np.float32:
            expected = f"{tensor.name}: {tensor.dtype} {tensor.shape}".replace("'", "")
            raise UserError(f"expects {expected}; got {x.dtype} {x.shape}")
        if not np.isfinite(x).all():
            raise UserError("the input holds values that are not finite")
        return np.asarray(self._session.run(None, {tensor.name: x})[0])

    def predict(self, x: Array) -> list[Prediction]:
        """Return what the network says about every sample of x (N, *shape) float32.

        Raises:
            UserError: as `outputs`, or no target is normalised to what the network says.
        """
        bundle, y = self.bundle, self.outputs(x)
        if bundle.task == "regression":
            values = invert_target(bundle.preprocessing, y.astype(np.float64))
            if not np.isfinite(values).all():
                sample, number = np.argwhere(~np.isfinite(values))[0]
                kind = bundle.preprocessing["target"]["kind"]
                raise UserError(
                    f"sample {sample + 1}: the network says {y[sample, number]:g}, which is no "
                    f'"{kind}" value of any target; the input is unlike what it was trained on'
                )
            return [Prediction(values=tuple(row)) for row in values.tolist()]
        names = labels(bundle.task, bundle.classes, y)
        if bundle.task == "binary" and y.shape[1] > 1:
            shares = all_right(y).tolist()
            return [
                Prediction(name, {name: share}) for name, share in zip(names, shares, strict=True)
            ]
        # (1 + tanh z) / 2 is the sigmoid of 2 z.
        scale = 2 if "labels" in bundle.preprocessing else 1
        return [
            Prediction(name, dict(zip(bundle.classes, row, strict=True)))
            for name, row in zip(names, probabilities(bundle.task, scale * y).tolist(), strict=True)
        ]

    def read(self, text: str, *, invert: bool | None = None, prepared: bool = False) -> Array:
        """Return the network's input for an argument of the command line; see `inputs.read`."""
        return inputs.read(text, self.bundle.preprocessing, invert=invert, prepared=prepared)
