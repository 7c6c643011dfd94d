"""Where a proof ran: versions, processor, libraries of linear algebra and threads."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "torch", "onnx", "onnxruntime", "lightning", "safetensors", "scikit-learn")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Environment:
    """What rounding may depend on.

    Attributes:
        python: version.
        machine: instruction set, such as x86_64.
        system: operating system.
        processor: name, "" where the system does not tell.
        flags: groups of vector instructions that NumPy found.
        torch: instructions that torch uses; None if torch was not imported.
        libraries: of linear algebra and threads that are loaded: name, version, kernels, threads.
        packages: versions, None for what is not installed.
        threads: what the environment variables say.
    """

    python: str
    machine: str
    system: str
    processor: str
    flags: tuple[str, ...]
    torch: str | None
    libraries: tuple[str, ...]
    packages: dict[str, str | None]
    threads: dict[str, str | None]


def now() -> Environment:
    """Return the environment of this process; imports none of the packages but NumPy."""
    return Environment(
        platform.python_version(),
        platform.machine(),
        platform.system(),
        _processor(),
        _flags(),
        _torch(),
        _libraries(),
        {name: _version(name) for name in PACKAGES},
        {name: os.environ.get(name) for name in THREADS},
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor()


def _flags() -> tuple[str, ...]:
    import numpy as np

    shown: Any = np.show_config(mode="dicts")
    extensions = shown.get("SIMD Extensions", {})
    return tuple(str(name) for part in ("baseline", "found") for name in extensions.get(part, ()))


def _torch() -> str | None:
    torch = sys.modules.get("torch")  # an import would take two seconds
    return None if torch is None else str(torch.backends.cpu.get_cpu_capability())


def _libraries() -> tuple[str, ...]:
    from threadpoolctl import threadpool_info

    found = []
    for library in threadpool_info():
        words = (library["internal_api"], library["version"], library.get("architecture"))
        count = library["num_threads"]
        name = " ".join(str(word) for word in words if word)
        found.append(f"{name}, {count} thread{'s' * (count != 1)}")
    return tuple(dict.fromkeys(found))
