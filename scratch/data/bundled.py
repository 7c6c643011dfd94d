"""Real data sets that come with scikit-learn, read from its files; nothing is fetched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Table:
    """A real data set before it is split and scaled.

    Attributes:
        x: (N, F) float64, or images (N, h, w) uint8.
        y: (N,) labels int64, or targets float64.
        features: names of the columns, with units.
        classes: names of the classes, empty for regression.
        source: credit and licence.
    """

    x: Array
    y: Array
    features: tuple[str, ...]
    classes: tuple[str, ...]
    source: str


def _datasets() -> Any:
    try:
        from sklearn import datasets
    except ImportError as error:
        raise UserError(
            "this data set comes with scikit-learn, which is missing: pip install scikit-learn"
        ) from error
    return datasets


def diabetes() -> Table:
    """Progression of diabetes after a year over the body mass index, 442 patients."""
    data = _datasets().load_diabetes(scaled=False)
    column = data.feature_names.index("bmi")
    return Table(
        x=data.data[:, [column]],
        y=data.target.astype(np.float64),
        features=("body mass index (kg/m2)",),
        classes=(),
        source="Efron, Hastie, Johnstone and Tibshirani, Least angle regression, Annals of "
        "Statistics 32, 2004; from scikit-learn",
    )


def breast_cancer() -> Table:
    """Malignant or benign from mean radius and mean texture of the cell nuclei, 569 samples."""
    data = _datasets().load_breast_cancer()
    columns = [list(data.feature_names).index(name) for name in ("mean radius", "mean texture")]
    return Table(
        x=data.data[:, columns],
        y=data.target.astype(np.int64),
        features=("mean radius (pixels)", "mean texture (grey levels)"),
        classes=tuple(str(name) for name in data.target_names),
        source="Wolberg, Mangasarian, Street and Street, Breast Cancer Wisconsin (Diagnostic), "
        "UCI, 1993, CC BY 4.0; from scikit-learn",
    )


def iris() -> Table:
    """Three species of iris from length and width of the petals, 150 flowers."""
    data = _datasets().load_iris()
    names = ("petal length (cm)", "petal width (cm)")
    return Table(
        x=data.data[:, [data.feature_names.index(name) for name in names]],
        y=data.target.astype(np.int64),
        features=names,
        classes=tuple(str(name) for name in data.target_names),
        source="Fisher, The use of multiple measurements in taxonomic problems, 1936, UCI, "
        "CC BY 4.0; from scikit-learn",
    )


def digits() -> Table:
    """Handwritten digits, 1,797 images of 8 x 8 pixels with values 0 to 16."""
    data = _datasets().load_digits()
    return Table(
        x=data.images.astype(np.uint8),
        y=data.target.astype(np.int64),
        features=(),
        classes=tuple("0123456789"),
        source="Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998, "
        "CC BY 4.0; from scikit-learn",
    )


TABLES: dict[str, Callable[[], Table]] = {
    "diabetes": diabetes,
    "breast_cancer": breast_cancer,
    "iris": iris,
}
