from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from parity_tests.mirror import banned
from parity_tests.mirror.sources import FOLDERS, name_of, python_files

Check = Callable[[str], list[str]]

EVERYWHERE: tuple[Check, ...] = (
    banned.unsafe_loading,
    banned.global_randomness,
    banned.silenced_assertions,
    banned.too_long,
)


def _broken(check: Check, files: list[Path]) -> list[str]:
    return [f"{name_of(f)}:{line}" for f in files for line in check(f.read_text("utf-8"))]


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("check", EVERYWHERE, ids=lambda check: check.__name__)
def test_no_file_holds_what_is_banned(check: Check, folder: str) -> None:
    files = python_files(folder)
    assert files, f"{folder} holds no Python file"
    assert _broken(check, files) == []


def test_tolerances_live_in_the_harness() -> None:
    files = [f for f in python_files() if "parity_tests/harness/" not in name_of(f)]
    assert _broken(banned.tolerances, files) == []


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (banned.unsafe_loading, "import joblib\n"),
        (banned.unsafe_loading, "from pickle import load\n"),
        (banned.unsafe_loading, "def f(p):\n    import dill\n"),
        (banned.unsafe_loading, "x = pickle.loads(b)\n"),
        (banned.unsafe_loading, "torch.load(p, weights_only=False)\n"),
        (banned.unsafe_loading, "np.load(p, allow_pickle=True)\n"),
        (banned.unsafe_loading, "yaml.load(t, Loader=L)\n"),
        (banned.unsafe_loading, "yaml.full_load(t)\n"),
        (banned.unsafe_loading, "from yaml import unsafe_load\n"),
        (banned.global_randomness, "np.random.seed(0)\n"),
        (banned.global_randomness, "x = numpy.random.randn(3)\n"),
        (banned.global_randomness, "f = np.random.RandomState\n"),
        (banned.global_randomness, "from numpy.random import rand\n"),
        (banned.silenced_assertions, "# assert y == 1\n"),
        (banned.silenced_assertions, "x = 1  # np.testing.assert_array_equal(a, b)\n"),
        (banned.silenced_assertions, "#assert_equal(a, b)\n"),
        (banned.silenced_assertions, "@pytest.mark.skip\ndef test(): ...\n"),
        (banned.silenced_assertions, "@pytest.mark.skipif(True, reason='x')\ndef test(): ...\n"),
        (banned.silenced_assertions, "torch = pytest.importorskip('torch')\n"),
        (banned.silenced_assertions, "pytest.skip('later')\n"),
        (banned.silenced_assertions, "@pytest.mark.xfail(reason='x')\ndef test(): ...\n"),
        (banned.silenced_assertions, "@pytest.mark.xfail(strict=True)\ndef test(): ...\n"),
        (banned.tolerances, "assert np.allclose(a, b)\n"),
        (banned.tolerances, "torch.testing.assert_close(a, b)\n"),
        (banned.tolerances, "assert a == pytest.approx(b)\n"),
        (banned.tolerances, "assert x.isclose(y).all()\n"),
        (banned.tolerances, "from numpy.testing import assert_allclose\n"),
        (banned.too_long, "\n" * 301),
    ],
)
def test_the_check_sees_what_it_is_for(check: Check, text: str) -> None:
    assert len(check(text)) == 1


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (banned.unsafe_loading, "yaml.safe_load(t)\nnp.save(p, a, allow_pickle=True)\n"),
        (banned.unsafe_loading, "torch.load(p, weights_only=True)\n"),
        (banned.unsafe_loading, "import pickle\ntry: ...\nexcept pickle.UnpicklingError: ...\n"),
        (banned.global_randomness, "g: np.random.Generator = np.random.default_rng(0)\n"),
        (banned.silenced_assertions, "# assert that nothing is kept: see guard\nassert x\n"),
        (
            banned.silenced_assertions,
            "@pytest.mark.xfail(strict=True, reason='known')\ndef test(): ...\n",
        ),
        (banned.tolerances, "assert np.array_equal(a, b)\nassert_close(a, b)\n"),
        (banned.too_long, "\n" * 300),
    ],
)
def test_the_check_leaves_the_good_form_alone(check: Check, text: str) -> None:
    assert check(text) == []
