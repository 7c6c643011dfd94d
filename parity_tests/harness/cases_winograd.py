"""Convolutions that scratch computes by Winograd's tiles: whole ones, cut ones, lone ones."""

from __future__ import annotations

from typing import Any

from parity_tests.harness.case import Layer


def _conv(mode: str, exact: bool) -> Layer:
    how: dict[str, Any] = {"kernel_size": 3, "conv": mode, "exact": exact}
    return (
        Layer("Conv2d")
        .at((2, 3, 8, 12), mode, in_channels=3, out_channels=5, padding=1, **how)
        .at((1, 1, 5, 7), f"{mode}, one channel", in_channels=1, out_channels=3, **how)
        .at(
            (3, 7, 13, 6),
            f"{mode}, padding (2, 0), no bias",
            in_channels=7,
            out_channels=4,
            padding=(2, 0),
            bias=False,
            **how,
        )
        .at(
            (2, 5, 9, 10),
            f"{mode}, many maps",
            in_channels=5,
            out_channels=71,  # three blocks of them
            padding="same",
            **how,
        )
    )


LAYERS = (_conv("winograd", exact=False), _conv("winograd-f2", exact=True))
