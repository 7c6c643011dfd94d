from __future__ import annotations

import pytest

from parity_tests.mirror.signatures import NOT_MIRRORED, layer_classes, signature, twin

LAYERS = layer_classes()

# torch's Identity takes and ignores anything; ours refuses what it would ignore.
STRICTER = ("Identity",)


def test_there_are_layers() -> None:
    assert {"Linear", "Conv2d", "MaxPool2d", "CrossEntropyLoss"} <= set(LAYERS)


@pytest.mark.parametrize("name", LAYERS)
def test_the_layer_has_a_twin_of_its_name(name: str) -> None:
    assert twin(name) is not None, f"{name} stands in neither torch.nn nor ref_torch.nn"


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in STRICTER])
def test_the_constructor_takes_what_torch_takes(name: str) -> None:
    other = twin(name)
    assert other is not None
    assert signature(LAYERS[name]) == signature(other, leave_out=NOT_MIRRORED)


def test_a_changed_name_order_default_or_kind_is_seen() -> None:
    class Right:
        def __init__(self, a: int, b: int = 1, device: None = None) -> None: ...

    class Renamed:
        def __init__(self, a: int, c: int = 1) -> None: ...

    class Swapped:
        def __init__(self, b: int = 1, a: int = 1) -> None: ...

    class Defaulted:
        def __init__(self, a: int, b: int = 2) -> None: ...

    class Keyword:
        def __init__(self, a: int, *, b: int = 1) -> None: ...

    expected = signature(Right, leave_out=NOT_MIRRORED)
    assert expected == [
        ("a", "positional or keyword", signature(Right)[0][2]),
        ("b", "positional or keyword", 1),
    ]
    for wrong in (Renamed, Swapped, Defaulted, Keyword):
        assert signature(wrong) != expected
