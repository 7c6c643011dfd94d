"""Torch on a GPU, with TF32 off and on, and training there in bfloat16 and compiled.

The level itself is tried on the CPU; the rest needs a GPU and carries its marker.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from parity_tests.harness import runner
from parity_tests.harness.levels import device
from parity_tests.harness.pair import of_chapter
from parity_tests.harness.verdict import Verdict, worst
from parity_tests.sizes import IDS, SMALL_IDS
from ref_torch import build
from scratch import spec

needs_gpu = pytest.mark.gpu


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("where", ["cpu", pytest.param("cuda", marks=needs_gpu)])
def test_float32_is_within_its_bounds(id: str, where: str) -> None:
    size = "full" if id in SMALL_IDS else "tiny"
    with device.tf32(False):
        checks = runner.redrawn(
            lambda seed: device.run(of_chapter(id, size, seed, "float32"), where), 0
        )
    assert worst(checks) is Verdict.PASS


@needs_gpu
def test_tf32_is_named_and_is_no_failure() -> None:
    with device.tf32(True):
        checks = device.run(of_chapter("lenet5", "full", 0, "float32"), "cuda")
    assert worst(checks) is Verdict.PRECISION_PATH
    named = {check.module for check in checks if check.verdict is Verdict.PRECISION_PATH}
    assert named <= {"c1", "c3", "c5", "f6", "output"}


@needs_gpu
@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
def test_training_on_a_gpu_reaches_the_band(precision: str) -> None:
    from ref_torch.fit import fit
    from scratch.data import load
    from scratch.run.metrics import score

    chapter = spec.get("lenet5")
    dataset = load(chapter)
    model = build("lenet5")
    arguments = {"accelerator": "gpu", "devices": 1, "precision": precision}
    fit(chapter, model, dataset, progress=False, trainer_args=arguments)
    with torch.no_grad():
        outputs = model.cpu().eval()(torch.from_numpy(dataset.test.x)).numpy()
    found = score(chapter.data.task, outputs, dataset.test.y)
    assert found[chapter.expected.metric] >= chapter.expected.low


@needs_gpu
def test_the_compiled_network_stays_close() -> None:
    model = build("lenet5").cuda()
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((7, 1, 32, 32), np.float32))
    with torch.no_grad(), device.tf32(False):
        plain = model(x.cuda()).cpu().double()
        compiled = torch.compile(model)(x.cuda()).cpu().double()
        truth = model.cpu().double()(x.double())
    from parity_tests.harness import bounds

    error = float((plain - truth).abs().max())
    assert float((compiled - truth).abs().max()) <= bounds.end_to_end(error, truth.numpy())
