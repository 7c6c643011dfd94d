"""A chapter that takes a table of a given kind, for tests of what reads tables."""

from __future__ import annotations

import dataclasses

from scratch import spec


def chapter(name: str, features: int, task: str, classes: tuple[str, ...] = ()) -> spec.Chapter:
    """Return a chapter that takes such data, from one that is there."""
    base = spec.get("linear_regression")
    data = dataclasses.replace(
        base.data,
        name=name,
        shape=(features,),
        task=task,
        classes=classes,
        features=(),
        alternatives=(),
        normalise="min-max",
        normalise_target="min-max" if task == "regression" else "none",
    )
    return dataclasses.replace(base, data=data)
