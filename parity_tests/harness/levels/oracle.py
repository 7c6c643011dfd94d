"""L1: the scratch backward against the complex step through its own forward.

f(x + ih) = f(x) + ih f'(x) + O(h^2), so the imaginary part divided by h is the derivative to the
last bit, with no difference of nearby numbers (Squire and Trapp 1998). No torch takes part.
"""

from __future__ import annotations

from parity_tests.harness import bounds, nulls, outputs
from parity_tests.harness.compare import compare
from parity_tests.harness.pair import Pair
from parity_tests.harness.traits import is_deep, normalised
from parity_tests.harness.verdict import Check
from parity_tests.harness.visits import candidate_trace
from scratch.gradcheck import complex_step

LEVEL = "L1"
ENTRIES = 24  # checked per tensor of a network; a layer is checked at every entry
ENTRIES_DEEP = 6  # the same where each entry takes a forward through many layers


def entries(pair: Pair) -> int:
    """Return how many entries of each tensor of a network are checked."""
    return ENTRIES_DEEP if is_deep(pair.scratch.state_dict()) else ENTRIES


def run(pair: Pair, entries: int | None) -> list[Check]:
    """Check the gradient of the input and of every parameter.

    Args:
        pair: real-valued weights and inputs.
        entries: how many entries of each tensor, drawn at random; None for all.
    """
    module = pair.scratch_as("float64")
    given, d_output = outputs.arguments(module, pair.inputs), outputs.nested(pair.d_output)
    found = complex_step(module, given, d_output, entries=entries, reuse=True)
    null: nulls.Units = {}
    floors: nulls.Units = {}
    magnified = normalised(module)
    if magnified:
        trace = candidate_trace(pair, "float64")
        null, floors = nulls.units(pair, trace), nulls.floors(pair, trace)
    checks = []
    for name, (analytic, numeric) in found.items():
        limit, reach = bounds.complex_step(numeric, magnified), _reach(numeric)
        if name in null:
            limit, reach = float(bounds.tolerance(null[name], "float64", 2).max()), 0
        elif name in floors:
            limit = max(limit, float(bounds.tolerance(floors[name], "float64", 2).max()))
        result = compare(analytic, numeric, limit, reach=reach)
        path, _, tensor = name.rpartition(".")
        checks.append(
            Check(
                LEVEL,
                pair.subject,
                path,
                "backward",
                tensor,
                "scratch float64",
                result.verdict,
                result.used,
                result.index,
                result.got,
                result.want,
                result.share,
                result.note,
            )
        )
    return checks


def _reach(numeric: object) -> int | None:
    """A single entry, or sampled entries behind shut masks, may rightly all be alike."""
    size = getattr(numeric, "size", 0)
    return 0 if size < 4 else None
