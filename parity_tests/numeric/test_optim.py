"""The optimisers against torch's single-tensor implementations, and their own contract."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from scratch import optim
from scratch.nn.parameter import Parameter

EPS64 = np.finfo(np.float64).eps
SCALES = (1.0, 1e-3, 1e-6, 1e-8, 1e-10, 0.0)
SHAPES = ((3, 5), (7,), ())

SGD_GRID: list[dict[str, Any]] = [
    {"momentum": momentum, "dampening": dampening, "weight_decay": decay, "nesterov": nesterov}
    for momentum, dampening, decay, nesterov in itertools.product(
        (0.0, 0.9), (0.0, 0.3), (0.0, 0.05), (False, True)
    )
    if not (nesterov and (momentum == 0 or dampening != 0))
]
ADAM_GRID: list[dict[str, Any]] = [
    {"weight_decay": decay, "amsgrad": amsgrad, "betas": betas}
    for decay, amsgrad, betas in itertools.product(
        (0.0, 0.05), (False, True), ((0.9, 0.999), (0.3, 0.9), (0.0, 0.5))
    )
]
ADAPTIVE: list[tuple[str, dict[str, Any]]] = [
    *(
        ("Adagrad", {"lr_decay": fall, "weight_decay": decay, "initial_accumulator_value": start})
        for fall, decay, start in itertools.product((0.0, 0.1), (0.0, 0.05), (0.0, 0.5))
    ),
    *(
        ("Adadelta", {"rho": rho, "weight_decay": decay, "eps": eps})
        for rho, decay, eps in itertools.product((0.9, 0.5), (0.0, 0.05), (1e-6, 1e-3))
    ),
    *(
        ("RMSprop", {"alpha": alpha, "momentum": momentum, "centered": centered})
        for alpha, momentum, centered in itertools.product((0.99, 0.5), (0.0, 0.9), (False, True))
    ),
    ("RMSprop", {"weight_decay": 0.05, "eps": 1e-3}),
]
CASES = [
    *(("SGD", options) for options in SGD_GRID),
    *((name, options) for name in ("Adam", "AdamW") for options in ADAM_GRID),
    *ADAPTIVE,
]


def starts(dtype: Any = np.float64, shapes: Any = SHAPES) -> list[np.ndarray]:
    """One parameter per shape and gradient scale, then one per scale that starts at 0."""
    generator = np.random.default_rng(5)
    arrays = [generator.standard_normal(shape).astype(dtype) for shape in shapes for _ in SCALES]
    return [np.asarray(a) for a in arrays] + [np.zeros((4,), dtype) for _ in SCALES]


def gradients(step: int, arrays: list[np.ndarray]) -> list[np.ndarray]:
    generator = np.random.default_rng(1000 + step)
    scales = itertools.cycle(SCALES)
    return [
        np.asarray(next(scales) * generator.standard_normal(a.shape)).astype(a.dtype)
        for a in arrays
    ]


def pair(
    name: str, options: dict[str, Any], dtype: Any = np.float64, shapes: Any = SHAPES
) -> tuple[Any, Any, Any, Any]:
    arrays = starts(dtype, shapes)
    ours = [Parameter(a) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    ours_opt = getattr(optim, name)(ours, lr=0.01, **options)
    theirs_opt = getattr(torch.optim, name)(theirs, lr=0.01, foreach=False, **options)
    return ours, theirs, ours_opt, theirs_opt


def advance(ours: Any, theirs: Any, ours_opt: Any, theirs_opt: Any, first: int, last: int) -> None:
    for step in range(first, last):
        for parameter, tensor, grad in zip(
            ours, theirs, gradients(step, [p.data for p in ours]), strict=True
        ):
            parameter.grad = grad
            tensor.grad = torch.tensor(grad)
        ours_opt.step()
        theirs_opt.step()


def gap(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference relative to the largest entry of the reference."""
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    size = float(np.max(np.abs(theirs)))
    difference = float(np.max(np.abs(ours - theirs)))
    return difference if size == 0 else difference / size


def worst(ours: Any, theirs: Any, ours_opt: Any, theirs_opt: Any) -> float:
    gaps = [gap(p.data, t.detach().numpy()) for p, t in zip(ours, theirs, strict=True)]
    state = ours_opt.state_dict()
    for number, tensor in enumerate(theirs):
        for slot, value in theirs_opt.state[tensor].items():
            if slot == "step":
                assert int(value) == int(state["step"])
            elif value is not None:
                gaps.append(gap(state[f"{number}.{slot}"], value.numpy()))
    return max(gaps)


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("maximize", [False, True])
def test_equals_torch_after_1_and_10_steps(name, options, maximize):
    sides = pair(name, {**options, "maximize": maximize})
    advance(*sides, 0, 1)
    assert worst(*sides) <= 1e-14
    advance(*sides, 1, 10)
    assert worst(*sides) <= 1e-13


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"momentum": 0.9, "weight_decay": 0.05, "nesterov": True}),
        ("SGD", {"momentum": 0.9, "dampening": 0.3}),
        ("Adam", {"weight_decay": 0.05}),
        ("AdamW", {"amsgrad": True}),
    ],
)
def test_equals_torch_after_1000_steps(name, options):
    sides = pair(name, options, shapes=[(3, 5)])
    advance(*sides, 0, 1000)
    assert worst(*sides) <= 1e-12


def test_float32_stays_float32_and_in_place():
    ours, theirs, ours_opt, theirs_opt = pair("Adam", {"weight_decay": 0.05}, np.float32)
    arrays = [p.data for p in ours]
    advance(ours, theirs, ours_opt, theirs_opt, 0, 10)
    assert all(p.data is a and a.dtype == np.float32 for p, a in zip(ours, arrays, strict=True))
    assert worst(ours, theirs, ours_opt, theirs_opt) <= 64 * np.finfo(np.float32).eps


def test_groups_override_options_and_zero_grad_empties():
    first, second = Parameter(np.ones(2)), Parameter(np.ones(2))
    sgd = optim.SGD([{"params": [first]}, {"params": [second], "lr": 0.5}], lr=0.25)
    for parameter in (first, second):
        parameter.grad = np.ones(2)
    sgd.step()
    assert first.data.tolist() == [0.75, 0.75]
    assert second.data.tolist() == [0.5, 0.5]
    sgd.zero_grad()
    assert first.grad.tolist() == second.grad.tolist() == [0.0, 0.0]


def test_gradients_and_earlier_velocity_are_never_written():
    parameter = Parameter(np.ones(3))
    sgd = optim.SGD([parameter], lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True)
    grad = np.array([1.0, 2.0, 3.0])
    grad.flags.writeable = False
    parameter.grad = grad
    sgd.step()
    held = sgd.state_dict()["0.momentum_buffer"]
    before = held.copy()
    sgd.step()
    assert np.array_equal(held, before)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"momentum": 0.9}),
        ("SGD", {}),
        ("Adam", {"amsgrad": True}),
        ("AdamW", {}),
        ("Adagrad", {"initial_accumulator_value": 0.1}),
        ("Adadelta", {}),
        ("RMSprop", {"momentum": 0.9, "centered": True}),
    ],
)
def test_state_round_trip_is_bitwise(name, options):
    def run(first: int, last: int, state: Any = None, data: Any = None) -> Any:
        arrays = starts() if data is None else data
        parameters = [Parameter(a) for a in arrays]
        optimizer = getattr(optim, name)(parameters, **options)
        if state is not None:
            optimizer.load_state_dict(state)
        for step in range(first, last):
            for parameter, grad in zip(parameters, gradients(step, arrays), strict=True):
                parameter.grad = grad
            optimizer.step()
            optimizer.param_groups[0]["lr"] *= 0.5
        return [p.data for p in parameters], optimizer.state_dict()

    data, state = run(0, 5)
    resumed, resumed_state = run(5, 9, state, data)
    straight, straight_state = run(0, 9)
    assert all(np.array_equal(a, b) for a, b in zip(resumed, straight, strict=True))
    assert resumed_state.keys() == straight_state.keys()
    assert all(np.array_equal(resumed_state[k], straight_state[k]) for k in straight_state)


def test_state_that_does_not_fit_is_refused_whole():
    adam = optim.Adam([Parameter(np.ones(3))])
    adam.step()
    state = adam.state_dict()
    other = optim.Adam([Parameter(np.ones(4))])
    with pytest.raises(ValueError, match=r"0.exp_avg is \(3,\) instead of \(4,\)"):
        other.load_state_dict(state)
    with pytest.raises(ValueError, match=r"missing 0.exp_avg;.*unexpected 0.other"):
        adam.load_state_dict(
            {**{k: v for k, v in state.items() if k != "0.exp_avg"}, "0.other": np.ones(3)}
        )
    assert other.steps == 0
    assert adam.steps == 1


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("SGD", {"lr": -1.0}, "Invalid learning rate: -1.0"),
        ("SGD", {"momentum": -0.5}, "Invalid momentum value: -0.5"),
        ("SGD", {"weight_decay": -0.5}, "Invalid weight_decay value: -0.5"),
        ("SGD", {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
        (
            "SGD",
            {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
            "Nesterov momentum requires a momentum and zero dampening",
        ),
        ("Adam", {"lr": -1.0}, "Invalid learning rate: -1.0"),
        ("Adam", {"eps": -1e-8}, "Invalid epsilon value: -1e-08"),
        ("Adam", {"betas": (1.0, 0.999)}, "Invalid beta parameter at index 0: 1.0"),
        ("AdamW", {"betas": (0.9, -0.1)}, "Invalid beta parameter at index 1: -0.1"),
        ("AdamW", {"weight_decay": -1.0}, "Invalid weight_decay value: -1.0"),
        ("Adagrad", {"eps": -1.0}, "Invalid epsilon value: -1.0"),
        ("Adagrad", {"lr_decay": -1.0}, "Invalid lr_decay value: -1.0"),
        (
            "Adagrad",
            {"initial_accumulator_value": -1.0},
            "Invalid initial_accumulator_value value: -1.0",
        ),
        ("Adadelta", {"rho": 1.5}, "Invalid rho value: 1.5"),
        ("Adadelta", {"rho": -0.5}, "Invalid rho value: -0.5"),
        ("Adadelta", {"eps": -1.0}, "Invalid epsilon value: -1.0"),
        ("RMSprop", {"alpha": -0.5}, "Invalid alpha value: -0.5"),
        ("RMSprop", {"momentum": -0.5}, "Invalid momentum value: -0.5"),
    ],
)
def test_invalid_options_are_refused_in_the_words_of_torch(name, options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        getattr(torch.optim, name)([torch.zeros(2, requires_grad=True)], **options)
    with pytest.raises(ValueError, match=f"^{message}$"):
        getattr(optim, name)([Parameter(np.zeros(2))], **options)


def test_parameter_lists_are_checked():
    parameter = Parameter(np.zeros(2))
    with pytest.raises(ValueError, match="empty parameter list"):
        optim.SGD([])
    with pytest.raises(ValueError, match="more than once"):
        optim.SGD([{"params": [parameter]}, {"params": [parameter]}])
    with pytest.raises(ValueError, match="unknown parameter group options: learning_rate"):
        optim.SGD([{"params": [parameter], "learning_rate": 0.1}])
    with pytest.raises(TypeError, match="can only optimize Parameters"):
        optim.SGD([np.zeros(2)])
    with pytest.raises(ValueError, match="Invalid learning rate"):
        optim.SGD([{"params": [parameter], "lr": -0.1}])


def test_without_memory_the_first_moment_is_the_gradient():
    parameter = Parameter(np.ones(1))
    adam = optim.Adam([parameter], betas=(0.0, 0.5))
    for value in (1e8, 1e-10):
        parameter.grad = np.array([value])
        adam.step()
        assert adam.state_dict()["0.exp_avg"] == value


def test_zero_gradient_with_zero_eps_gives_nan_silently_as_in_torch():
    ours, theirs = Parameter(np.ones(2)), torch.ones(2, dtype=torch.float64, requires_grad=True)
    theirs.grad = torch.zeros(2, dtype=torch.float64)
    optim.Adam([ours], eps=0.0).step()
    torch.optim.Adam([theirs], eps=0.0, foreach=False).step()
    assert np.isnan(ours.data).all()
    assert torch.isnan(theirs).all()
