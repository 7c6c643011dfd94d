"""What may stand nowhere: each check takes a file's text and returns the lines that break it."""

from __future__ import annotations

import ast
import io
import tokenize

from parity_tests.mirror.sources import dotted

MAX_LINES = 300

# Writing a pickle or catching its error is harmless; reading one runs what it says.
_PICKLE_READERS = ("load", "loads", "Unpickler")
_OTHER_PICKLES = ("_pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib")
_SWITCHES = (("weights_only", False), ("allow_pickle", True))
_YAML = ("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load")
# Generators of one's own, and reading the global state to show that nothing has changed it.
_HARMLESS = (
    "get_state",
    "default_rng",
    "Generator",
    "BitGenerator",
    "SeedSequence",
    "PCG64",
    "PCG64DXSM",
    "Philox",
    "MT19937",
    "SFC64",
)
_TOLERANT = (
    "allclose",
    "isclose",
    "assert_allclose",
    "assert_close",
    "assert_almost_equal",
    "assert_array_almost_equal",
    "approx",
)
_METHODS = ("allclose", "isclose")
_LIBRARIES = ("np", "numpy", "torch", "math", "cmath", "pytest", "unittest")
_SKIPS = ("pytest.skip", "pytest.importorskip", "pytest.mark.skip", "pytest.mark.skipif")


def unsafe_loading(text: str) -> list[str]:
    """Find what runs code out of a file: pickles, unsafe YAML, and the switches that allow them."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names = [dotted(node)]
        elif isinstance(node, ast.Call):
            found += _switched_on(node)
            continue
        else:
            continue
        found += [f"{node.lineno}: {name}" for name in names if _runs_code(name)]
    return found


def _switched_on(call: ast.Call) -> list[str]:
    """Return the switches of a call that let a file carry code; writing such a file is harmless."""
    if dotted(call.func).split(".")[-1].startswith("save"):
        return []
    return [
        f"{keyword.value.lineno}: {keyword.arg}={keyword.value.value!r}"
        for keyword in call.keywords
        if isinstance(keyword.value, ast.Constant)
        and (keyword.arg, keyword.value.value) in _SWITCHES
    ]


def _runs_code(name: str) -> bool:
    """Tell whether a dotted name reads a file that can carry code."""
    head, *rest = name.split(".")
    if head == "pickle":
        return bool(rest) and rest[0] in _PICKLE_READERS
    return head in _OTHER_PICKLES or name in _YAML


def global_randomness(text: str) -> list[str]:
    """Find NumPy's global random state: every `np.random.X` that is no generator of one's own."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            parts = dotted(node).split(".")
            ours = len(parts) == 3 and parts[2] in _HARMLESS
            if parts[:2] in (["np", "random"], ["numpy", "random"]) and parts[2:] and not ours:
                found.append(f"{node.lineno}: {'.'.join(parts)}")
        elif isinstance(node, ast.ImportFrom) and node.module == "numpy.random":
            names = [alias.name for alias in node.names if alias.name not in _HARMLESS]
            found += [f"{node.lineno}: numpy.random.{name}" for name in names]
    return found


def silenced_assertions(text: str) -> list[str]:
    """Find assertions in comments, skipped tests, and expected failures without reason or strict.

    A known gap is `xfail(strict=True, reason=...)`, which fails as soon as it is mended.
    """
    found = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and _asserts(token.string.lstrip("#: ")):
            found.append(f"{token.start[0]}: {token.string}")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and dotted(node) in _SKIPS:
            found.append(f"{node.lineno}: {dotted(node)}")
        if isinstance(node, ast.Call) and dotted(node.func) == "pytest.mark.xfail":
            given = {k.arg: k.value for k in node.keywords}
            strict = given.get("strict")
            if "reason" not in given or not (isinstance(strict, ast.Constant) and strict.value):
                found.append(f"{node.lineno}: xfail without strict=True and a reason")
    return found


def _asserts(comment: str) -> bool:
    """Tell whether a comment is the code of an assertion (prose does not parse)."""
    try:
        tree = ast.parse(comment)
    except SyntaxError:
        return False
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and "assert" in dotted(node.func).split(".")[-1])
        for node in ast.walk(tree)
    )


def tolerances(text: str) -> list[str]:
    """Find a library's comparison within a tolerance; all bounds live in `parity_tests.harness`."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr in _TOLERANT:
            name = dotted(node)
            if node.attr in _METHODS or name.split(".")[0] in _LIBRARIES:
                found.append(f"{node.lineno}: {name or node.attr}")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in _LIBRARIES:
            names = [alias.name for alias in node.names if alias.name in _TOLERANT]
            found += [f"{node.lineno}: {node.module}.{name}" for name in names]
    return found


def too_long(text: str) -> list[str]:
    """Find a file that has grown two subjects."""
    lines = text.count("\n")
    return [f"{lines} lines, {MAX_LINES} at most"] if lines > MAX_LINES else []
