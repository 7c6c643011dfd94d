"""Constructor arguments in torch's forms."""

from __future__ import annotations


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """Return (value, value) for an int and the pair itself otherwise.

    Raises:
        ValueError: as many numbers as one or three axes have.

    >>> pair(3), pair((2, 5))
    ((3, 3), (2, 5))
    """
    if isinstance(value, int):
        return value, value
    if len(value) != 2:
        raise ValueError(f"expects a number or a pair (vertical, horizontal); got {tuple(value)}")
    high, wide = value
    return int(high), int(wide)


def same_padding(
    padding: str, kernel_size: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return ((top, bottom), (left, right)) for "valid" and "same".

    The total dilation * (kernel - 1) is halved and an odd rest goes to the end, as in torch.

    >>> same_padding("same", (4, 3), (1, 1), (1, 1))
    ((1, 2), (1, 1))
    """
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding != "same":
        raise ValueError(f'padding="{padding}": expects "same", "valid", an int or a pair')
    if stride != (1, 1):
        raise ValueError(f'padding="same" needs stride 1; got {stride}')
    totals = [d * (k - 1) for k, d in zip(kernel_size, dilation, strict=True)]
    top, left = (total // 2 for total in totals)
    return (top, totals[0] - top), (left, totals[1] - left)


def refuse_inplace(inplace: bool) -> None:
    """Raise if torch's `inplace=True` is asked for: an array handed out is never written again."""
    if inplace:
        raise ValueError("inplace=True is not offered: arrays handed out are never written again")
