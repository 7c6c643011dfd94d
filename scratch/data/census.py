"""Income of adults in the US census of 1994: UCI Adult (chapter 14).

`adult.data` and `adult.test` have no header; the latter begins with a line of its own and ends its
labels with a full stop. A CSV file with a header, in any spelling of the same names, will do too.
Rows with an unknown value ("?") are left out, as in the book.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scratch.data.dataset import Table
from scratch.data.table_file import Row, cell, choice, columns, number, rows
from scratch.spec.errors import UserError

SOURCE = "Becker and Kohavi, Adult, UCI, 1996, CC BY 4.0"
CLASSES = ("<=50K", ">50K")

# The columns in the order of the file. Words become their place in the list of adult.names.
WORDS: dict[str, str] = {
    "age": "",
    "workclass": "Private Self-emp-not-inc Self-emp-inc Federal-gov Local-gov State-gov "
    "Without-pay Never-worked",
    "fnlwgt": "",
    "education": "Bachelors Some-college 11th HS-grad Prof-school Assoc-acdm Assoc-voc 9th "
    "7th-8th 12th Masters 1st-4th 10th Doctorate 5th-6th Preschool",
    "education-num": "",
    "marital-status": "Married-civ-spouse Divorced Never-married Separated Widowed "
    "Married-spouse-absent Married-AF-spouse",
    "occupation": "Tech-support Craft-repair Other-service Sales Exec-managerial Prof-specialty "
    "Handlers-cleaners Machine-op-inspct Adm-clerical Farming-fishing Transport-moving "
    "Priv-house-serv Protective-serv Armed-Forces",
    "relationship": "Wife Own-child Husband Not-in-family Other-relative Unmarried",
    "race": "White Asian-Pac-Islander Amer-Indian-Eskimo Other Black",
    "sex": "Female Male",
    "capital-gain": "",
    "capital-loss": "",
    "hours-per-week": "",
    "native-country": "United-States Cambodia England Puerto-Rico Canada Germany "
    "Outlying-US(Guam-USVI-etc) India Japan Greece South China Cuba Iran Honduras Philippines "
    "Italy Poland Jamaica Vietnam Mexico Portugal Ireland France Dominican-Republic Laos Ecuador "
    "Taiwan Haiti Columbia Hungary Guatemala Nicaragua Scotland Thailand Yugoslavia El-Salvador "
    "Trinadad&Tobago Peru Hong Holand-Netherlands",
}
FEATURES = tuple(WORDS)
LABEL = "income"
_LISTS = {name: words.split() for name, words in WORDS.items()}


def read(path: Path, features: int = len(FEATURES)) -> Table:
    """Read a file of the census.

    Args:
        path: UCI's file without a header, or CSV with one.
        features: how many of the fourteen features, from the first.

    Returns:
        Labels 1 for an income above 50,000 USD.

    Raises:
        UserError: missing, a cell that is empty, no number or an unknown word, no rows; more
            features than fourteen.
    """
    if not 1 <= features <= len(FEATURES):
        raise UserError(f'"census" has {len(FEATURES)} features; the chapter takes {features}')
    places = list(range(len(FEATURES) + 1))
    values = []
    for row in rows(path):
        line, cells = row
        if line == 1 and cells[0].startswith("|"):
            continue
        if line == 1 and not cells[0].isdigit():
            names = [name.lower().replace(".", "-").replace("_", "-") for name in cells]
            names = [LABEL if name in ("class", "salary") else name for name in names]
            places = columns(path, names, [*FEATURES, LABEL])
        elif "?" not in cells:
            values.append(_numbers(path, row, places))
    if not values:
        raise UserError(f"{path}: holds no complete rows; download the file anew")
    table = np.array(values)
    names_taken = tuple(
        f"{name} (place in its list)" if WORDS[name] else name for name in FEATURES[:features]
    )
    return Table(table[:, :features], table[:, -1].astype(np.int64), names_taken, CLASSES, SOURCE)


def _numbers(path: Path, row: Row, places: list[int]) -> list[float]:
    found: list[float] = []
    for name, place in zip(FEATURES, places[:-1], strict=True):
        if _LISTS[name]:
            found.append(choice(path, row, place, name, _LISTS[name]))
        else:
            found.append(number(path, row, place, name))
    label = cell(path, row, places[-1], LABEL).rstrip(".")
    line, cells = row
    trimmed = (line, [*cells[: places[-1]], label, *cells[places[-1] + 1 :]])
    return [*found, choice(path, trimmed, places[-1], LABEL, CLASSES)]
