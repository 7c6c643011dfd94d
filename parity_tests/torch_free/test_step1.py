"""Step 1 of the book without torch: the tape, the worked traces to the printed digits, pictures."""

from __future__ import annotations

import ast
import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from parity_tests.harness import bounds
from parity_tests.mirror.sources import ROOT, imports, name_of, parse, python_files
from scratch import basics, descent, tape
from scratch.data.points import line_points
from scratch.run.pictures import basics as pictures
from scratch.spec import descent as spec
from scratch.spec.errors import UserError
from scratch.tape import Value

# Last inputs, last value and number of steps as the book prints them (chapters 2 and 3).
PRINTED = {
    ("backprop_linear", "b alone, derivatives of the start"): ({"b": "3.805937"}, 5),
    ("backprop_linear", "b alone, derivatives anew"): ({"b": "3.805937"}, 3),
    ("backprop_linear", "w and b, derivatives of the start"): (
        {"w": "2.661469", "b": "3.903277"},
        4,
    ),
    ("backprop_linear", "w and b, derivatives anew"): ({"w": "2.661517", "b": "3.903263"}, 3),
    ("backprop_log", "solved for x"): ({"x": "9.656"}, 4),
    ("descent_1d", "rate 0.3"): ({"x": "0.03072"}, 4),
    ("descent_2d", "rate 0.1"): ({"x": "0.084442", "y": "0.050819"}, 16),
}


def follow(id: str, title: str) -> list[descent.Point]:
    example = spec.get(id)
    (run,) = [run for run in example.runs if run.title == title]
    return descent.follow(example.function, run)


def rounded(number: float, printed: str) -> str:
    """Return a number with as many decimals as the book prints."""
    return f"{number:.{len(printed.partition('.')[2])}f}"


@pytest.mark.parametrize(("id", "title"), PRINTED)
def test_the_run_ends_where_the_book_says(id: str, title: str) -> None:
    inputs, steps = PRINTED[id, title]
    points = follow(id, title)
    assert len(points) - 1 == steps
    for name, printed in inputs.items():
        assert rounded(points[-1].inputs[name], printed) == printed


def test_the_start_of_the_linear_example_is_the_books() -> None:
    first = follow("backprop_linear", "b alone, derivatives anew")[0]
    assert (first.value, first.slopes) == (162.0, {"w": 18.0, "b": 63.0})


def test_the_trace_of_the_logarithm_is_the_books() -> None:
    points = follow("backprop_log", "solved for x")
    printed = ["2", "4.243", "7.344", "9.295", "9.656"]
    assert [rounded(p.inputs["x"], s) for p, s in zip(points, printed, strict=True)] == printed
    assert rounded(points[-1].value, "2.1296") == "2.1296"


def test_the_trace_on_the_parabola_is_the_books() -> None:
    points = follow("descent_1d", "rate 0.3")[1:]
    printed = ["0.48", "0.192", "0.0768", "0.03072"]
    assert [rounded(p.inputs["x"], s) for p, s in zip(points, printed, strict=True)] == printed
    assert rounded(points[-1].value, "0.000944") == "0.000944"


def test_the_trace_in_two_variables_is_the_books() -> None:
    points = follow("descent_2d", "rate 0.1")
    assert rounded(points[0].value, "9.708073") == "9.708073"
    assert rounded(points[-1].value, "0.009711") == "0.009711"


def test_the_rates_behave_as_the_book_says() -> None:
    paths = {
        run.title: [p.inputs["x"] for p in descent.follow("parabola", run)]
        for run in spec.get("descent_1d").runs
    }
    assert {abs(x) for x in paths["rate 1.0"]} == {1.2}  # thrown from side to side
    signs = np.sign(paths["rate 0.8"])
    assert (signs[1:] == -signs[:-1]).all()  # zigzags, but falls
    assert abs(paths["rate 0.8"][-1]) < 0.1
    assert len(paths["rate 0.4"]) - 1 <= 4
    assert len(paths["rate 0.1"]) - 1 > 10
    assert all(a > b > 0 for a, b in itertools.pairwise(paths["rate 0.1"]))


@pytest.mark.parametrize("seed", range(5))
def test_the_loss_moves_with_the_bias_as_the_formula_says(seed: int) -> None:
    """J(s) = s^2/2 - s mean(e) + mean(e^2)/2 for a shift s of the bias and noise e."""
    x, y = line_points(seed)
    noise = y - 2 * x - 3
    assert np.abs(noise).max() <= 0.5 * (1 + 8 * bounds.unit("float64"))
    for shift, printed in ((-1.0, 0.53), (-0.5, 0.16), (0.0, 0.048), (0.5, 0.18)):
        loss = float(basics.half_mse(2.0, 3.0 + shift, x, y))
        exact = shift**2 / 2 - shift * noise.mean() + (noise**2).mean() / 2
        assert abs(loss - exact) <= bounds.whole(np.array(exact))
        # Noise of variance 1/12 over 50 points: four standard deviations around the expectation.
        band = 4 * math.hypot(shift * math.sqrt(1 / 600), math.sqrt(1 / 180 / 50) / 2)
        for found in (loss, printed):
            assert abs(found - (shift**2 / 2 + 1 / 24)) <= band


def test_the_tape_and_the_vectors_see_one_surface() -> None:
    x, y = line_points()
    for point in follow("loss_surface", "rate 0.5"):
        want = basics.half_mse(point.inputs["w"], point.inputs["b"], x, y)
        assert abs(point.value - want) <= bounds.whole(want)


def test_worked_numbers_of_information() -> None:
    p = np.array([0.7, 0.2, 0.1])
    assert basics.information(p).round(2).tolist() == [0.36, 1.61, 2.3]
    assert round(basics.entropy(p), 4) == 0.8018  # 0.7 0.3567 + 0.2 1.6094 + 0.1 2.3026
    q = np.array([0.2, 0.3, 0.5])
    parts = basics.entropy(p) + basics.divergence(p, q)
    assert abs(basics.cross_entropy(p, q) - parts) <= bounds.whole(np.array(parts))
    assert basics.divergence(p, p) == 0
    assert basics.divergence(p, q) > 0
    assert basics.entropy(np.array([0.0, 1.0, 0.0])) == 0
    truth = np.array([0.0, 1.0, 0.0])
    assert round(basics.cross_entropy(truth, q), 1) == 1.2
    assert round(basics.cross_entropy(truth, np.array([0.2, 0.6, 0.2])), 2) == 0.51


def test_the_neuron_tells_warm_from_cold() -> None:
    z = basics.warmth(np.eye(3))
    assert basics.step(z).tolist() == [1, 0, 0]
    assert basics.sigmoid(np.zeros(1)).tolist() == [0.5]
    assert ((basics.sigmoid(z) > 0.5) == (basics.step(z) > 0)).all()
    assert basics.sigmoid(np.array([-1e4, 1e4])).tolist() == [0, 1]


def _functions() -> list[tuple[str, object, tuple[float, ...]]]:
    return [
        ("sum", lambda a, b: a + b + 3 + a, (2.0, 5.0)),
        ("sum from the right", lambda a, b: 3 + a + b, (2.0, 5.0)),
        ("difference", lambda a, b: a - b - 2, (2.0, 5.0)),
        ("difference from the right", lambda a, b: 7 - a * b, (2.0, 5.0)),
        ("product", lambda a, b: 3 * a * b * a, (2.0, 5.0)),
        ("quotient", lambda a, b: a / b + 2 / a, (2.0, 5.0)),
        ("power", lambda a, b: a**3 + b**-2 + a**0.5, (2.0, 5.0)),
        ("root and logarithm", lambda a, b: tape.sqrt(tape.log(a * b) + a), (2.0, 5.0)),
        ("sine", lambda a, b: tape.sin(a) * tape.sin(b) ** 2, (2.0, 5.0)),
        ("shared", lambda a, b: (lambda c: c * c + c)(a * b), (2.0, 5.0)),
    ]


@pytest.mark.parametrize(("name", "function", "at"), _functions(), ids=lambda v: str(v)[:20])
def test_every_slope_of_the_tape_is_the_difference_quotient(name: str, function, at) -> None:
    inputs = [Value(x) for x in at]
    result = function(*inputs)
    result.backward()
    h = 2.0**-17
    for i, node in enumerate(inputs):
        up, down = ([Value(x + s * h * (j == i)) for j, x in enumerate(at)] for s in (1, -1))
        quotient = (function(*up).data - function(*down).data) / (2 * h)
        # Error of the formula h^2 f'''/6 and of rounding eps f / h, both about 1e-10 here.
        assert abs(node.grad - quotient) <= 2.0**-27 * max(1.0, abs(quotient)), name


def test_backward_may_be_asked_again() -> None:
    x = Value(3.0, "x")
    y = x * x
    y.backward()
    y.backward()
    assert x.grad == 6.0


def test_a_long_chain_needs_no_recursion() -> None:
    x = y = Value(1.0)
    for _ in range(5000):
        y = y + 1
    y.backward()
    assert (y.data, x.grad) == (5001.0, 1.0)


def test_the_trace_can_be_checked_by_hand() -> None:
    x = Value(2.0, "x")
    a = (x**2).named("a")
    result = (3 * a + x).named("y")
    result.backward()
    assert [line.split() for line in result.trace().splitlines()] == [
        ["value", "derivative"],
        ["x", "=", "given", "2.000000", "13.000000"],
        ["a", "=", "x", "^", "2", "4.000000", "3.000000"],
        ["v3", "=", "3", "*", "a", "12.000000", "1.000000"],
        ["y", "=", "v3", "+", "x", "14.000000", "1.000000"],
    ]


def test_no_real_value_is_an_error() -> None:
    with pytest.raises(ValueError, match="domain"):
        descent.evaluate("sqrt_log_square", {"x": 0.5})


def test_the_tape_is_small_and_only_step_one_uses_it() -> None:
    text = (ROOT / "scratch/tape.py").read_text("utf-8")
    assert text.count("\n") <= 120
    assert ast.parse(text)
    users = [
        name_of(path)
        for path in python_files("scratch", "ref_torch", "scripts")
        if any(module.startswith("scratch.tape") for _, module in imports(parse(path)))
    ]
    assert users == ["scratch/descent.py", "scripts/descent.py"]


def test_an_unknown_example_is_named() -> None:
    with pytest.raises(UserError, match='did you mean "descent_1d"'):
        spec.get("descent_1")


def test_pictures_are_written_and_bad_input_leaves_none(tmp_path: Path) -> None:
    draws = {
        "curve": lambda p, runs: pictures.path_on_curve(p, np.square, runs),
        "contour": lambda p, runs: pictures.path_on_contour(p, lambda x, y: x * x + y * y, runs),
    }
    for name, draw in draws.items():
        path = tmp_path / f"{name}.png"
        with pytest.raises(ValueError, match="at least one run"):
            draw(path, {})
        assert not path.exists()
        draw(path, {"a": [1.0, 0.5]} if name == "curve" else {"a": [(1.0, 2.0), (0.5, 1.0)]})
        assert path.read_bytes().startswith(b"\x89PNG")
    colours = {"red": np.eye(3)[0], "blue": np.eye(3)[2]}
    pictures.neuron(tmp_path / "n.png", colours, basics.warmth, basics.step, basics.sigmoid)
    curves = {"squared": {"target 0": np.square}}
    pictures.losses(tmp_path / "l.png", curves, {"squared": (-1.0, 1.0)})
    for name in ("n", "l"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
