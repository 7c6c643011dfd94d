"""The book whose chapters these are, and the optimiser of nearly all of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BOOK = "Neural networks in nine steps (ai-edu)"

PLAIN_DESCENT: Mapping[str, Any] = {
    "optimizer": "SGD",
    "optimizer_args": {},
    "schedule": "",
    "schedule_args": {},
}
"""Fields of `Train` for a preset: descent at a fixed rate, without momentum."""
