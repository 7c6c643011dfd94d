"""The config of a run as plain YAML: written in order, read without surprises."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scratch.run.files import atomic_write
from scratch.spec.errors import UserError


def plain(value: Any) -> Any:
    """Return a value made of dict, list, str, int, float, bool and None only.

    Tuples become lists, paths become strings, NumPy numbers and arrays become Python's.

    Raises:
        TypeError: a value that has no plain form, or a key that is not a string.

    >>> plain({"betas": (0.9, np.float64(0.999)), "out": Path("runs")})
    {'betas': [0.9, 0.999], 'out': 'runs'}
    """
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"a config key is a string; got {key!r}")
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(f"a config holds plain values; got {type(value).__name__}")


def write_config(path: Path, config: Mapping[str, Any]) -> None:
    """Write a config, atomically, keys in their order.

    Raises:
        UserError: the file cannot be written.
        TypeError: a value without plain form.
    """
    import yaml

    text = yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True, width=100)
    atomic_write(path, text.encode())


def read_config(path: Path) -> dict[str, Any]:
    """Read a config that `write_config` wrote or a person edited.

    Object tags, aliases (which can be made to expand without end) and duplicate keys are refused.

    Raises:
        UserError: missing, unreadable, not YAML, empty, or not a mapping of names.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML's safe subset without aliases and without duplicate keys."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.MarkedYAMLError(
                    problem="aliases are not allowed", problem_mark=self.peek_event().start_mark
                )
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            seen = set()
            for key, _ in node.value:
                name = str(key.value)
                if name in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f'the key "{name}" stands twice', problem_mark=key.start_mark
                    )
                seen.add(name)
            return super().construct_mapping(node, deep)

    try:
        config = Loader(path.read_bytes()).get_single_data()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: not a config ({reason}); mend the line or start anew") from error
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise UserError(f'{path}: not a config; it holds lines like "seed: 0"')
    return config
