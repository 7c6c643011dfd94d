"""Recurrent layers in an exported file: native nodes, right at every batch and every length."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from parity_tests.harness.bounds import end_to_end, tolerance, whole
from parity_tests.harness.compare import compare
from parity_tests.harness.engines import ort_run, reference_run
from parity_tests.harness.export_claims import rewritten
from parity_tests.harness.onnx_nodes import evaluated, judge_nodes
from parity_tests.harness.verdict import Verdict
from ref_torch.export import ExportError, export_onnx
from ref_torch.export.onnx import check_proto, declared, to_proto
from ref_torch.export.recurrent import with_native_recurrence
from scratch import spec
from scratch.deploy.schema import BATCHES

Array = np.ndarray[Any, np.dtype[Any]]

STEPS, FEATURES, HIDDEN, CLASSES = 5, 4, 3, 2
LENGTHS = (3, 8, 11)  # other than the example's
CHAPTER = spec.get("mlp_mnist", "tiny")


class Last(nn.Module):
    """The last state of the last layer, or of both directions added, through a linear layer."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.rnn, self.both = layer, layer.bidirectional
        self.out = nn.Linear(layer.hidden_size, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        _, last = self.rnn(x if self.rnn.batch_first else x.transpose(0, 1))
        state = last[0] if isinstance(last, tuple) else last
        return self.out(state[-1] + state[-2] if self.both else state[-1])


class Steps(nn.Module):
    """An answer at every step; the states of both directions are added."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.rnn, self.both = layer, layer.bidirectional
        self.out = nn.Linear(layer.hidden_size, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.rnn(x)  # (N, T, D H)
        if self.both:
            y = y[..., : self.rnn.hidden_size] + y[..., self.rnn.hidden_size :]
        return self.out(y)


class Begun(nn.Module):
    """A second layer begins with the last state of the first, and is called again with its own."""

    def __init__(self, first: nn.RNNBase, second: nn.RNNBase) -> None:
        super().__init__()
        self.first, self.second, self.again = first, second, second
        self.out = nn.Linear(HIDDEN * (1 + first.bidirectional), CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        _, state = self.first(x)
        _, state = self.second(x, state)
        y, _ = self.again(x, state)
        return self.out(y[:, -1])


def _layer(kind: str, **options: Any) -> nn.RNNBase:
    options = {"batch_first": True, **options}
    made: nn.RNNBase = getattr(nn, kind)(FEATURES, HIDDEN, **options)
    return made


def _begun(kind: str, **options: Any) -> nn.Module:
    return Begun(_layer(kind, **options), _layer(kind, **options))


NETS = {
    "RNN, last state": lambda: Last(_layer("RNN")),
    "RNN of rectifiers": lambda: Last(_layer("RNN", nonlinearity="relu")),
    "RNN of rectifiers, both ways": lambda: Steps(
        _layer("RNN", nonlinearity="relu", bidirectional=True)
    ),
    "RNN, every step": lambda: Steps(_layer("RNN", bias=False)),
    "RNN, time first": lambda: Last(_layer("RNN", batch_first=False)),
    "RNN, two layers both ways": lambda: Last(_layer("RNN", num_layers=2, bidirectional=True)),
    "RNN, state given": lambda: _begun("RNN", num_layers=2, bidirectional=True),
    "LSTM, last state": lambda: Last(_layer("LSTM", bias=False)),
    "LSTM, every step": lambda: Steps(_layer("LSTM", bidirectional=True)),
    "LSTM, three layers": lambda: Last(_layer("LSTM", num_layers=3, dropout=0.5)),
    "LSTM, state given": lambda: _begun("LSTM", num_layers=2),
    "GRU, last state": lambda: Last(_layer("GRU")),
    "GRU, both ways added": lambda: Steps(_layer("GRU", bidirectional=True)),
    "GRU, no biases": lambda: Steps(_layer("GRU", bias=False, num_layers=2)),
    "GRU, state given": lambda: _begun("GRU", bidirectional=True, num_layers=2),
}

USUAL = ("rectifiers, both ways", "time first", "three layers", "ways added", "state given")
EVERY_NET = [pytest.param(name, marks=[] if name in USUAL else [pytest.mark.long]) for name in NETS]


def _chapter(*free: str) -> Any:
    return dataclasses.replace(
        CHAPTER,
        data=dataclasses.replace(CHAPTER.data, shape=(STEPS, FEATURES)),
        onnx=dataclasses.replace(CHAPTER.onnx, dynamic=free),
    )


def _net(name: str) -> nn.Module:
    """Return a network whose parameters are float32 numbers of one size, and its modes mixed."""
    net = NETS[name]()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.6)
    return net.train()


def _inputs(sizes: tuple[int, ...], lengths: tuple[int, ...]) -> list[Array]:
    rng = np.random.default_rng(0)
    pairs = itertools.product(sizes, lengths)
    return [rng.standard_normal((n, t, FEATURES)).astype(np.float32) for n, t in pairs]


def _run(net: nn.Module, x: Array, dtype: torch.dtype) -> Array:
    with torch.no_grad():
        made = copy.deepcopy(net).to(dtype).eval()(torch.from_numpy(x).to(dtype))
    return np.asarray(made.numpy())


def _judge(net: nn.Module, path: Path, lengths: tuple[int, ...]) -> None:
    """Hold ONNX Runtime and ONNX's reference to torch in float64, the reference in both precisions.

    In double precision what float32 may hide shows, such as a small bias forgotten.
    """
    proto = onnx.load(str(path))
    engines = {level: ort_run(path, level) for level in ("off", "all")}
    engines["reference"] = reference_run(path)
    for x in _inputs(BATCHES, lengths):
        truth = _run(net, x, torch.float64)
        error = float(np.abs(_run(net, x, torch.float32) - truth).max())
        for name, engine in engines.items():
            found = compare(engine(x), truth, end_to_end(error, truth), dtype="float32")
            assert found.verdict is Verdict.PASS, (name, x.shape, found)
        found = compare(evaluated(proto, x), truth, whole(truth))
        assert found.verdict is Verdict.PASS, ("float64", x.shape, found)


@pytest.mark.parametrize("name", EVERY_NET)
def test_every_batch_and_every_length(name: str, tmp_path: Path) -> None:
    """The exporter remembers in a process: the second export of a network is the proof of it."""
    net, path = _net(name), tmp_path / "model.onnx"
    chapter = _chapter("batch", "time")
    files = []
    for _ in range(2):
        export_onnx(net, chapter, path)
        files.append(path.read_bytes())
    assert files[0] == files[1]
    proto = onnx.load(str(path))
    assert declared(proto.graph.input[0])[2] == ("batch", "time", FEATURES)
    _judge(net, path, LENGTHS)
    layers = [module for module in net.modules() if isinstance(module, nn.RNNBase)]
    count = sum(layer.num_layers for layer in layers)
    count += layers[-1].num_layers if isinstance(net, Begun) else 0  # it is used twice
    operators = [node.op_type for node in proto.graph.node]
    assert operators.count(type(layers[0]).__name__) == count
    assert not {"Loop", "Scan", "If", "Tanh", "Sigmoid", "Dropout"} & set(operators)


@pytest.mark.parametrize("name", ["RNN, time first", "LSTM, every step", "GRU, both ways added"])
def test_a_fixed_number_of_steps(name: str, tmp_path: Path) -> None:
    net, path = _net(name), tmp_path / "model.onnx"
    export_onnx(net, _chapter("batch"), path)
    assert declared(onnx.load(str(path)).graph.input[0])[2] == ("batch", STEPS, FEATURES)
    _judge(net, path, (STEPS,))
    with pytest.raises(Exception, match=r"Got: 3 Expected: 5"):
        ort_run(path, "off")(_inputs((2,), (3,))[0])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("LSTM, last state", (0, 1, 2, 3)),
        ("GRU, last state", (0, 1, 2)),
        ("LSTM, every step", (0, 3, 2, 1)),
    ],
)
def test_gates_in_another_order_are_seen(
    name: str, wrong: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ref_torch.export import recurrent

    monkeypatch.setitem(recurrent.ORDER, name[:4].strip(","), wrong)
    export_onnx(_net(name), _chapter("batch"), tmp_path / "model.onnx")
    with pytest.raises(AssertionError):
        _judge(_net(name), tmp_path / "model.onnx", (STEPS,))


def test_what_onnx_does_not_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(ExportError, match=r"no recurrent layer with a projection: LSTM\(4, 3"):
        export_onnx(Last(_layer("LSTM", proj_size=2)), _chapter("batch"), path)
    with pytest.raises(ExportError, match=r"cannot free the axes \('time',\)"):
        export_onnx(_net("RNN, last state"), _chapter("time"), path)
    for before in (nn.Flatten(0, 1), nn.Linear(FEATURES, FEATURES + 1)):
        with pytest.raises(ExportError, match=r"GRU expects \(N, T, 4\) for export; got"):
            export_onnx(nn.Sequential(before, _layer("GRU")), _chapter("batch"), path)
    assert not path.exists()


def test_a_frozen_time_axis_is_refused(tmp_path: Path) -> None:
    """A network that needs its number of steps cannot be exported with a free one."""
    flat = nn.Sequential(nn.Flatten(), nn.Linear(STEPS * FEATURES, CLASSES))
    with pytest.raises(ExportError, match="the exporter failed"):
        export_onnx(flat, _chapter("batch", "time"), tmp_path / "model.onnx")
    fixed = to_proto(_net("RNN, last state"), _chapter("batch"))
    with pytest.raises(ExportError, match=r"declares .*5, 4.*asked for input float32"):
        check_proto(fixed, _chapter("batch", "time"))


@pytest.mark.parametrize("name", ["RNN, state given", "LSTM, state given", "GRU, both ways added"])
def test_every_node_alone(name: str) -> None:
    """What L6 asks of a network: each node on the truth's own inputs, within its own bound."""
    net = _net(name)
    proto = to_proto(net, _chapter("batch"), optimize=False)
    for x in _inputs((2,), (STEPS,) * 5):
        found = list(judge_nodes(proto, x))
        assert name.split(",")[0] in {node.operator for node in found}
        for node in found:
            assert node.units is not None, node.operator
            limit = tolerance(node.units, "float32")
            verdict = compare(node.got, node.want, limit, reach=0).verdict
            assert verdict is Verdict.PASS, (node.operator, node.path)


def test_the_file_holds_every_weight() -> None:
    """ONNX has them in another order: a changed number is noticed in whatever gate it is."""
    for name in ("LSTM, every step", "GRU, no biases", "RNN, two layers both ways"):
        net = _net(name)
        proto = to_proto(net, _chapter("batch"))
        state = {key: value.numpy() for key, value in net.state_dict().items()}
        of_layer = [key for key in state if key.startswith("rnn.")]
        assert set(rewritten(proto, state)) <= {"out.weight"}
        for key in of_layer:
            changed = state[key].copy()
            changed.flat[-1] *= 1.001
            assert key in rewritten(proto, {**state, key: changed})


def test_a_network_without_such_layers_is_left_as_it_is() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()))
    parts = list(net.modules())
    assert with_native_recurrence(net) is net
    assert [id(part) for part in net.modules()] == [id(part) for part in parts]


def test_one_layer_in_two_places_stays_one() -> None:
    net = with_native_recurrence(_begun("GRU"))
    assert net.second is net.again
    assert net.first is not net.second


def test_the_same_structure_as_torchs(tmp_path: Path) -> None:
    for kind, batch_first in itertools.product(("RNN", "LSTM", "GRU"), (False, True)):
        layer = _layer(kind, num_layers=2, bidirectional=True, batch_first=batch_first)
        native = with_native_recurrence(layer)
        x = torch.zeros(2, STEPS, FEATURES)
        want, state = layer(x)
        for given in ((x,), (x, state)):
            got, last = native(*given)
            assert got.shape == want.shape
            assert isinstance(last, tuple) == isinstance(state, tuple)
            pairs = zip(*(v if isinstance(v, tuple) else (v,) for v in (last, state)), strict=True)
            assert all(a.shape == b.shape for a, b in pairs)


def test_what_onnxs_reference_does_not_have() -> None:
    """Its RNN knows no rectifier; `reference_run` adds it. If this fails, it may be dropped."""
    from onnx.reference import ReferenceEvaluator

    proto = to_proto(_net("RNN of rectifiers"), _chapter("batch"))
    with pytest.raises(RuntimeError, match="Unknown activation function 'Relu'"):
        ReferenceEvaluator(proto)
