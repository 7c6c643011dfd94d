"""Which chapters the usual tests build at full size: networks of millions of numbers are not among
them, `make test-full` takes those.
"""

from __future__ import annotations

from scratch import spec

LARGE = 1_000_000  # trainable numbers

SMALL_IDS = tuple(id for id in spec.ids() if spec.get(id).facts.parameters < LARGE)
LARGE_IDS = tuple(id for id in spec.ids() if id not in SMALL_IDS)
EVERY_SIZE = tuple(
    (id, size) for size in spec.SIZES for id in spec.ids() if size == "tiny" or id in SMALL_IDS
)
