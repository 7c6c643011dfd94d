"""What a person may choose about a training run, as it is typed, held and read back."""

from __future__ import annotations

import ast
import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scratch import spec
from scratch.nn import CONV_MODES
from scratch.spec.errors import UserError, unknown
from scratch.spec.schema import Chapter


def arguments(typed: Sequence[str]) -> dict[str, Any]:
    """Return what `--set NAME=VALUE` says: numbers, tuples, True and None, or else text.

    Raises:
        UserError: no name or no "=", or a name that stands twice.

    >>> arguments(["variant=torchvision", "dropout=0.2", "layers=(1, 1)"])
    {'variant': 'torchvision', 'dropout': 0.2, 'layers': (1, 1)}
    """
    found: dict[str, Any] = {}
    for one in typed:
        name, equals, value = one.partition("=")
        if not name or not equals:
            raise UserError(f"--set {one}: expects NAME=VALUE, such as variant=torchvision")
        if name in found:
            raise UserError(f"--set {one}: {name} stands twice")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value
    return found


def frozen(value: Any) -> Any:
    """Return YAML's lists as the tuples they were.

    >>> frozen({"layers": [2, [3]], "seed": 0})
    {'layers': (2, (3,)), 'seed': 0}
    """
    if isinstance(value, dict):
        return {name: frozen(item) for name, item in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list) else value


@dataclass(frozen=True)
class Settings:
    """What a person may choose; None takes the chapter's own.

    Attributes:
        chapter: id.
        size: "full" or "tiny".
        twin: "torch", "scratch" or "both".
        seed: of the weights, the order of the batches, and of what is drawn or split.
        data: name of the data set.
        data_dir: folder of image files.
        epochs: passes over the training split.
        lr: learning rate.
        weights: a weight file to start from, such as torchvision's.
        preset: named hyper-parameters of the chapter; `epochs` and `lr` go before them.
        conv: how the NumPy twin convolves, see `scratch.nn.conv_mode`.
        arguments: constructor arguments of the network that replace the chapter's.
        trainer: Lightning's own arguments as they were typed: "--trainer.NAME", "VALUE".
    """

    chapter: str
    size: str = "full"
    twin: str = "torch"
    seed: int = 0
    data: str | None = None
    data_dir: str | None = None
    epochs: int | None = None
    lr: float | None = None
    weights: str | None = None
    preset: str | None = None
    conv: str = "direct"
    trainer: Sequence[str] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def resolve(self) -> Chapter:
        """Return the chapter with the chosen hyper-parameters; a cosine ends with the last epoch.

        Raises:
            UserError: an unknown chapter, size, preset or argument, or a number out of its range.
        """
        chapter = spec.get(self.chapter, self.size)
        if self.preset is not None:
            chapter = chapter.with_preset(self.preset)
        if self.epochs is not None and self.epochs < 1:
            raise UserError(f"--epochs {self.epochs}: expects 1 or more")
        if self.lr is not None and not 0 < self.lr < float("inf"):
            raise UserError(f"--lr {self.lr}: expects a number above 0")
        if self.seed < 0:
            raise UserError(f"--seed {self.seed}: expects 0 or more")
        if self.trainer and self.twin == "scratch":
            raise UserError(f"{self.trainer[0]} is Lightning's; leave it out with --twin scratch")
        if self.conv not in CONV_MODES:
            raise unknown("conv mode", self.conv, CONV_MODES)
        if self.conv != "direct" and self.twin == "torch":
            raise UserError(f"--conv {self.conv} is the NumPy twin's; add --twin scratch or both")
        train = chapter.train
        epochs = train.epochs if self.epochs is None else self.epochs
        arguments = dict(train.schedule_args)
        if "T_max" in arguments:
            arguments["T_max"] = epochs
        lr = train.lr if self.lr is None else self.lr
        train = dataclasses.replace(train, epochs=epochs, lr=lr, schedule_args=arguments)
        model = getattr(importlib.import_module(f"scratch.models.{chapter.file}"), chapter.model)
        chosen = spec.arguments(model, chapter, self.arguments)
        data = spec.named_classes(chapter.data, self.arguments)
        return dataclasses.replace(chapter, data=data, train=train, arguments=chosen)

    def default(self) -> bool:
        """Tell whether the chapter's expected band speaks of this run."""
        changed = (self.data, self.data_dir, self.epochs, self.lr, self.weights, self.preset)
        usual = self.size == "full" and self.conv == "direct"
        usual = usual and not self.trainer and not self.arguments
        return usual and all(c is None for c in changed)
