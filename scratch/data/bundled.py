"""Real data sets that come with scikit-learn, read from its files; nothing is fetched.

A table gives as many features as the chapter takes, the first ones of a fixed order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratch.data.dataset import Table
from scratch.spec.errors import UserError, unknown

Array = np.ndarray[Any, np.dtype[Any]]


def _datasets() -> Any:
    try:
        from sklearn import datasets
    except ImportError as error:
        raise UserError(
            "this data set comes with scikit-learn, which is missing: pip install scikit-learn"
        ) from error
    return datasets


def _first(count: int, names: Sequence[str], x: Array, kind: str) -> tuple[Array, tuple[str, ...]]:
    if not 1 <= count <= len(names):
        raise UserError(f'"{kind}" has {len(names)} features; the chapter takes {count}')
    return x[:, :count], tuple(names[:count])


_DIABETES = {
    "bmi": "body mass index (kg/m2)",
    "s5": "log of triglycerides (s5)",
    "bp": "mean blood pressure (mmHg)",
    "age": "age (years)",
    "sex": "sex (1 or 2)",
    "s1": "total cholesterol (s1, mg/dl)",
    "s2": "low-density lipoproteins (s2, mg/dl)",
    "s3": "high-density lipoproteins (s3, mg/dl)",
    "s4": "total cholesterol / HDL (s4)",
    "s6": "blood sugar (s6, mg/dl)",
}


def diabetes(features: int) -> Table:
    """Progression of diabetes after a year, 442 patients.

    Features in this order: body mass index, triglycerides, blood pressure, age, sex, s1, s2, s3,
    s4, s6; beyond these ten the squares of the nine that are not sex, in the same order, as in the
    quadratic model of the paper.
    """
    data = _datasets().load_diabetes(scaled=False)
    x = data.data[:, [data.feature_names.index(key) for key in _DIABETES]]
    squared = [key for key in _DIABETES if key != "sex"]
    squares = x[:, [list(_DIABETES).index(key) for key in squared]] ** 2
    names = [*_DIABETES.values(), *(f"square of {_DIABETES[key]}" for key in squared)]
    x, chosen = _first(features, names, np.concatenate([x, squares], axis=1), "diabetes")
    return Table(
        x=x,
        y=data.target.astype(np.float64),
        features=chosen,
        classes=(),
        source="Efron, Hastie, Johnstone and Tibshirani, Least angle regression, Annals of "
        "Statistics 32, 2004; from scikit-learn",
    )


def breast_cancer(features: int) -> Table:
    """Malignant or benign from measures of the cell nuclei, 569 samples.

    Features in the order of the file: the means of radius, texture, perimeter, area, smoothness,
    compactness, concavity, concave points, symmetry and fractal dimension, then their standard
    errors, then their worst values; 30 in all.
    """
    data = _datasets().load_breast_cancer()
    units = {"mean radius": "pixels", "mean texture": "grey levels"}
    names = [f"{n} ({units[n]})" if n in units else str(n) for n in data.feature_names]
    x, chosen = _first(features, names, data.data, "breast_cancer")
    return Table(
        x=x,
        y=data.target.astype(np.int64),
        features=chosen,
        classes=tuple(str(name) for name in data.target_names),
        source="Wolberg, Mangasarian, Street and Street, Breast Cancer Wisconsin (Diagnostic), "
        "UCI, 1993, CC BY 4.0; from scikit-learn",
    )


def iris(features: int) -> Table:
    """Three species of iris, 150 flowers.

    Features in this order: length and width of the petals, length and width of the sepals.
    """
    data = _datasets().load_iris()
    x, chosen = _first(
        features,
        data.feature_names[2:] + data.feature_names[:2],
        data.data[:, [2, 3, 0, 1]],
        "iris",
    )
    return Table(
        x=x,
        y=data.target.astype(np.int64),
        features=chosen,
        classes=tuple(str(name) for name in data.target_names),
        source="Fisher, The use of multiple measurements in taxonomic problems, 1936, UCI, "
        "CC BY 4.0; from scikit-learn",
    )


def wine(features: int) -> Table:
    """Three growers of wine from a chemical analysis, 178 wines.

    Features in this order: flavanoids and colour intensity, then the other eleven in the order of
    the file.
    """
    data = _datasets().load_wine()
    first = [data.feature_names.index(name) for name in ("flavanoids", "color_intensity")]
    order = first + [column for column in range(13) if column not in first]
    names = [data.feature_names[column].replace("_", " ") for column in order]
    x, chosen = _first(features, names, data.data[:, order], "wine")
    return Table(
        x=x,
        y=data.target.astype(np.int64),
        features=chosen,
        classes=("grower 1", "grower 2", "grower 3"),
        source="Aeberhard and Forina, Wine, UCI, 1991, CC BY 4.0; from scikit-learn",
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


_PHOTOS = {"china": "6061409035", "flower": "6056698931"}  # numbers on flickr.com


def photo(name: str = "china") -> tuple[Array, str]:
    """Return a photo in grey and whom to credit.

    The grey level is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), rounded.

    Args:
        name: "china", a pagoda, or "flower".

    Returns:
        (427, 640) uint8, and the source.

    Raises:
        UserError: an unknown photo, or scikit-learn is missing.

    >>> grey, _ = photo("china")
    >>> grey.shape, str(grey.dtype)
    ((427, 640), 'uint8')
    """
    if name not in _PHOTOS:
        raise unknown("photo", name, _PHOTOS)
    colours = _datasets().load_sample_image(f"{name}.jpg")
    grey = np.rint(colours @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return grey, f"photo {_PHOTOS[name]} of flickr.com, 2011, CC BY 2.0; from scikit-learn"


TABLES: dict[str, Callable[[int], Table]] = {
    "diabetes": diabetes,
    "breast_cancer": breast_cancer,
    "iris": iris,
    "wine": wine,
}
