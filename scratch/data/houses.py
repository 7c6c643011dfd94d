"""House sales in King County, Washington, 2014 and 2015: `kc_house_data.csv` (chapter 14)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scratch.data.dataset import Table
from scratch.data.table_file import columns, number, rows
from scratch.spec.errors import UserError

FILE = "kc_house_data.csv"
SOURCE = "House Sales in King County, USA, Kaggle (harlfoxem), CC0"

# Column of the file: what it is. The book's thirteen features, in its order.
FEATURES = {
    "bedrooms": "bedrooms",
    "bathrooms": "bathrooms",
    "sqft_living": "living area (sq ft)",
    "sqft_lot": "lot (sq ft)",
    "floors": "floors",
    "waterfront": "waterfront (0 or 1)",
    "condition": "condition (1 to 5)",
    "grade": "grade (1 to 13)",
    "sqft_above": "area above ground (sq ft)",
    "sqft_basement": "basement (sq ft)",
    "yr_built": "year built or renovated",
    "lat": "latitude (degrees)",
    "long": "longitude (degrees)",
}


def read(path: Path, features: int = len(FEATURES)) -> Table:
    """Read the file of sales.

    Args:
        path: the CSV file; its first line names the columns.
        features: how many of the thirteen features, from the first.

    Returns:
        Prices in USD over the features.

    Raises:
        UserError: missing, no header, a cell that is empty or no finite number, no rows; more
            features than thirteen.
    """
    names = list(FEATURES.values())
    if not 1 <= features <= len(names):
        raise UserError(f'"houses" has {len(names)} features; the chapter takes {features}')
    found = rows(path)
    header = next(found, None)
    if header is None:
        raise UserError(f"{path}: it is empty; download {FILE} anew")
    wanted = [*FEATURES, "yr_renovated", "price"]
    places = columns(path, header[1], wanted)
    values = [
        [number(path, row, place, name) for place, name in zip(places, wanted, strict=True)]
        for row in found
    ]
    if not values:
        raise UserError(f"{path}: holds no rows below its header; download {FILE} anew")
    table = np.array(values)
    x = table[:, : len(FEATURES)]
    year = list(FEATURES).index("yr_built")
    x[:, year] = np.maximum(x[:, year], table[:, -2])  # never renovated is the year 0
    return Table(x[:, :features], table[:, -1], tuple(names[:features]), (), SOURCE)
