from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pytest

from parity_tests.mirror.shape_of_models import functional_calls
from parity_tests.mirror.signatures import signature
from parity_tests.mirror.sources import ROOT, classes, method, parse, python_files, skeleton
from scratch import spec

FILES = [p.relative_to(ROOT / "scratch/models") for p in python_files("scratch/models")]
MODULES = [file for file in FILES if file.name != "__init__.py"]


def _pair(file: Path) -> tuple[ast.Module, ast.Module]:
    return parse(ROOT / "scratch/models" / file), parse(ROOT / "ref_torch/models" / file)


def _constants(tree: ast.Module) -> dict[str, str]:
    return {
        ast.unparse(node.targets[0]): ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
    }


def test_both_folders_hold_the_same_files() -> None:
    theirs = [p.relative_to(ROOT / "ref_torch/models") for p in python_files("ref_torch/models")]
    assert MODULES
    assert theirs == FILES


@pytest.mark.parametrize("file", MODULES, ids=str)
def test_both_files_hold_the_same_classes_and_constants(file: Path) -> None:
    ours, theirs = _pair(file)
    assert list(classes(ours)) == list(classes(theirs))
    assert classes(ours)
    assert _constants(ours) == _constants(theirs)


@pytest.mark.parametrize("file", MODULES, ids=str)
def test_constructors_take_the_same_arguments(file: Path) -> None:
    dotted = ".".join(file.with_suffix("").parts)
    ours = importlib.import_module(f"scratch.models.{dotted}")
    theirs = importlib.import_module(f"ref_torch.models.{dotted}")
    for name in classes(_pair(file)[0]):
        assert signature(getattr(ours, name)) == signature(getattr(theirs, name)), name


@pytest.mark.parametrize("file", MODULES, ids=str)
def test_forward_reads_the_same(file: Path) -> None:
    ours, theirs = (classes(tree) for tree in _pair(file))
    for name, cls in ours.items():
        assert skeleton(method(cls, "forward")) == skeleton(method(theirs[name], "forward")), name


@pytest.mark.parametrize("file", MODULES, ids=str)
def test_the_visible_difference_is_backward(file: Path) -> None:
    ours, theirs = (classes(tree) for tree in _pair(file))
    for name, cls in ours.items():
        assert (method(cls, "backward") is None) == (method(cls, "forward") is None), name
        assert method(theirs[name], "backward") is None, name


@pytest.mark.parametrize("file", FILES, ids=str)
@pytest.mark.parametrize("twin", ["scratch", "ref_torch"])
def test_whatever_computes_is_a_named_child(file: Path, twin: str) -> None:
    assert functional_calls(parse(ROOT / twin / "models" / file)) == []


FORWARD = '''
class Net(Module):
    def forward(self, input: Tensor) -> Tensor:
        """Say something."""
        x: Tensor = self.conv(input)  # (N, 6)
        return self.relu(x)
'''


def _forward(text: str) -> str | None:
    return skeleton(method(classes(ast.parse(text))["Net"], "forward"))


def test_types_docstrings_and_comments_do_not_count() -> None:
    bare = "class Net(Module):\n def forward(self, input):\n  x = self.conv(input)\n"
    assert _forward(FORWARD) == _forward(bare + "  return self.relu(x)\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("self.relu(x)", "self.tanh(x)"),
        ("self.relu(x)", "x"),
        ("(self, input", "(self, inputs"),
        ("self.conv(input)", "self.conv(self.conv(input))"),
        ("input: Tensor", "input: Tensor = None"),
    ],
)
def test_a_changed_forward_is_seen(old: str, new: str) -> None:
    assert _forward(FORWARD.replace(old, new)) != _forward(FORWARD)


@pytest.mark.parametrize(
    "body",
    [
        "return self.conv(x) + x",
        "return torch.relu(x)",
        "return F.relu(x)",
        "return x.flatten(1)",
        "return torch.cat([x, x], 1)",
        "x += self.conv(x)\n    return x",
        "return self.conv(-x)",
        "return self.conv(x).relu()",
    ],
)
def test_a_computation_outside_a_child_is_seen(body: str) -> None:
    text = f"class Net(Module):\n  def forward(self, x):\n    {body}\n"
    assert functional_calls(ast.parse(text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "import torch.nn.functional as F\n",
        "from torch.nn import functional\n",
        "from torch.nn.functional import relu\n",
        "f = nn.functional.relu\n",
        "layer = ReLU(inplace=True)\n",
    ],
)
def test_a_functional_import_or_an_operation_in_place_is_seen(text: str) -> None:
    assert len(functional_calls(ast.parse(text))) == 1


def test_only_a_named_tuple_of_the_file_is_made() -> None:
    text = (
        "class Heads({base}):\n  main: Tensor\n"
        "class Net(Module):\n  def forward(self, x):\n    return Heads(self.fc(x))\n"
    )
    assert functional_calls(ast.parse(text.format(base="NamedTuple"))) == []
    assert len(functional_calls(ast.parse(text.format(base="Module")))) == 1


def test_loops_over_children_and_index_arithmetic_are_allowed() -> None:
    text = (
        "class Net(Module):\n  def forward(self, x):\n"
        "    for block in self.blocks:\n      x = block(x)\n"
        "    for t in range(x.shape[1] - 1):\n      h = self.cell(x[:, t + 1], h)\n"
        "    return self.head(self.add(x, h))\n"
    )
    assert functional_calls(ast.parse(text)) == []


def test_no_argument_of_a_network_is_named_as_one_of_build() -> None:
    """`build(id, size, seed, **overrides)` hands every argument of a network on by its name."""
    own = {"id", "size", "seed"}
    for id in spec.ids():
        chapter = spec.get(id)
        model = getattr(importlib.import_module(f"scratch.models.{chapter.file}"), chapter.model)
        assert not own & set(inspect.signature(model).parameters), id
