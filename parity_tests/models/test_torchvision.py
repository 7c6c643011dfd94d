"""torchvision's own networks with random weights: they enter both twins and give the same.

`make test-torchvision` runs this, `make test-full` too. Between torch's two networks the difference
is zero, in training with dropout; the NumPy twin is held to the bound of a tensor behind many
layers, in evaluation, where rounding is not magnified by the statistics of a few pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.harness import bounds
from parity_tests.harness.compare import compare
from parity_tests.harness.verdict import Verdict
from parity_tests.mirror.sources import ROOT
from parity_tests.mirror.test_torchvision_keys import FINGERPRINTS
from parity_tests.models import from_torchvision
from parity_tests.models.from_torchvision import OPTIONS, THEIRS, fingerprint
from ref_torch.build import construct as construct_torch
from scratch import spec
from scratch.build import construct as construct_scratch
from scratch.weights import save

SIDE, BATCH, SEED = 64, 3, 7
SIDES = (1, 2, 4, 7, 14, 15, 16, 17, 28, 29, 30, 31, 32, 33, 46, 47, 62, 63, 64, 65, 97, 225)

pytestmark = pytest.mark.full
Array = np.ndarray[Any, np.dtype[Any]]
Networks = Mapping[str, Any]
Step = dict[str, torch.Tensor]


@pytest.fixture
def theirs() -> Iterator[Networks]:
    with from_torchvision.imported() as networks:
        yield networks


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, Mapping[str, Array]], dict[str, Any]]:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import _weights

    return _weights.read


def _image(batch: int = BATCH) -> torch.Tensor:
    drawn = torch.randn(batch, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(SEED))
    return drawn.double()


def _cotangents(output: Any) -> tuple[torch.Tensor, ...]:
    several = output if isinstance(output, tuple) else (output,)
    generator = torch.Generator().manual_seed(SEED)
    return tuple(torch.randn(y.shape, generator=generator).to(y.dtype) for y in several)


def _step(network: torch.nn.Module) -> Step:
    """Return outputs, input gradient and parameter gradients of one pass, and free the latter."""
    torch.manual_seed(SEED)  # of the dropouts
    x = _image().requires_grad_()
    output = network(x)
    several = output if isinstance(output, tuple) else (output,)
    torch.autograd.backward(several, _cotangents(output))
    assert x.grad is not None
    found = {f"output {i}": y.detach() for i, y in enumerate(several)} | {"dx": x.grad}
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            found[name], parameter.grad = parameter.grad, None
    return found


@pytest.mark.parametrize("id", FINGERPRINTS)
def test_its_weights_enter_both_twins_and_give_the_same(
    id: str, theirs: Networks, read: Any, tmp_path: Path
) -> None:
    torch.manual_seed(SEED)
    given = theirs[id](weights=None, **THEIRS.get(id, {}))
    with torch.no_grad():  # running statistics that are not 0 and 1, and of this network
        given.train()(_image().float())
    file = tmp_path / f"{id}.pth"
    torch.save(given.state_dict(), file)
    chapter, options = spec.get(id), OPTIONS.get(id, {})
    own = construct_torch(chapter, **options)
    state = read(file, {name: value.numpy() for name, value in own.state_dict().items()})
    tensors = {name: torch.from_numpy(value) for name, value in state.items()}
    own.load_state_dict(tensors, strict=True)

    given, own = given.double(), own.double()
    for mode in (True, False):
        want, got = _step(given.train(mode)), _step(own.train(mode))
        assert got.keys() == want.keys()
        assert all(torch.equal(got[name], want[name]) for name in want)
    buffers = dict(own.named_buffers())
    assert all(torch.equal(buffers[name], value) for name, value in given.named_buffers())
    del own, given, got  # of VGG gigabytes

    ours = construct_scratch(chapter, **options)
    ours.load_state_dict(state)
    ours.astype(np.float64).eval()
    _moved_like(ours, buffers)
    output = ours(_image().numpy())
    (cotangent,) = _cotangents(torch.from_numpy(output))
    found = {"output 0": output, "dx": ours.backward(cotangent.numpy())}
    found |= {name: p.grad for name, p in ours.named_parameters() if name in want}
    assert found.keys() == want.keys()
    for name, value in want.items():
        truth = value.numpy()
        # A rectifier that is shut everywhere leaves zeros; all of them would be no comparison.
        result = compare(found[name], truth, bounds.whole(truth), dtype="float64", reach=1)
        assert result.verdict is Verdict.PASS, (name, result)


def _moved_like(ours: Any, buffers: Mapping[str, torch.Tensor]) -> None:
    """Give ours the running statistics after the step in training."""
    state = ours.state_dict()
    state |= {name: value.numpy() for name, value in buffers.items() if name in state}
    ours.load_state_dict(state)


def test_safetensors_serve_as_well(theirs: Networks, read: Any, tmp_path: Path) -> None:
    given = theirs["resnet18"](weights=None).state_dict()
    save(tmp_path / "a.safetensors", {name: value.numpy() for name, value in given.items()})
    own = construct_scratch(spec.get("resnet18"))
    own.load_state_dict(read(tmp_path / "a.safetensors", own.state_dict()))
    state = own.state_dict()
    assert all(np.array_equal(state[name], value.numpy()) for name, value in given.items())


def test_the_fingerprints_are_of_its_networks(theirs: Networks) -> None:
    with torch.device("meta"):
        found = {id: theirs[id](weights=None, **THEIRS.get(id, {})) for id in FINGERPRINTS}
    assert {
        id: fingerprint({name: tuple(v.shape) for name, v in network.state_dict().items()})
        for id, network in found.items()
    } == FINGERPRINTS


@pytest.mark.parametrize("id", [id for id in FINGERPRINTS if id not in OPTIONS])
def test_the_same_sizes_of_images_are_accepted(id: str, theirs: Networks) -> None:
    """The NumPy twin at its tiny size, which has the strides of the published one."""
    with torch.device("meta"):
        given = theirs[id](weights=None).eval()
        own = construct_torch(spec.get(id)).eval()
    tiny = construct_scratch(spec.get(id, "tiny")).eval()
    accepted = []
    for side in SIDES:
        x = torch.empty(1, 3, side, side + 1, device="meta")
        takes = _takes(given, x)
        assert _takes(own, x) == takes, side
        assert _takes(tiny, np.zeros(x.shape, np.float32)) == takes, side
        accepted += [side] * takes
    assert accepted


def _takes(network: Any, x: Any) -> bool:
    try:
        network(x)
    except (RuntimeError, ValueError):
        return False
    return True
