"""Is a bundle what it says it is? Every engine against float64, every claim against the file.

Nothing is skipped: an engine that is not installed is a failure, and so is a comparison that would
have passed whatever the file held.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from parity_tests.harness import export_claims, export_values
from parity_tests.harness.export_checks import guarded, told
from parity_tests.harness.verdict import Check
from scratch.deploy import schema
from scratch.deploy.schema import Bundle

PARTS = {
    "description": export_claims.description,
    "meaning": export_claims.meaning,
    "graph": export_claims.graph,
    "parameters": export_claims.parameters,
    "onnxruntime's view": export_claims.runtime_view,
    "wrong inputs": export_claims.refusals,
    "values": export_values.values,
}


def verify(folder: Path) -> list[Check]:
    """Hold a bundle against its own description, its goldens, and every engine.

    Args:
        folder: the bundle.

    Returns:
        All checks; those of the files alone if a file is missing or altered.

    Raises:
        UserError: no bundle, or a description that cannot be read.
    """
    bundle = schema.read(folder)
    checks = files(bundle, folder)
    if any(check.failing for check in checks):
        return checks
    for name, part in PARTS.items():
        checks += guarded(bundle, name, "bundle", partial(part, bundle, folder))
    return checks


def files(bundle: Bundle, folder: Path) -> list[Check]:
    """Check that the folder holds the listed files, unaltered, and no others."""
    checks = [told(bundle, name, "SHA-256", bundle.problem(folder, name)) for name in bundle.files]
    checks += [
        told(bundle, name, "SHA-256", "not listed in bundle.json")
        for name in bundle.needed
        if name not in bundle.files
    ]
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    strangers = sorted(present - set(bundle.files) - set(bundle.needed) - {schema.NAME})
    return checks + [
        told(bundle, name, "SHA-256", "not listed in bundle.json") for name in strangers
    ]
