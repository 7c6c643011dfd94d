"""Put a mutant into the modules that are loaded, whoever has imported a function from them.

The mutated module is executed into a namespace of its own; then the code and the defaults of every
function that came out different go into the function that everybody already holds, so that
`from x import f` and bound methods follow. Constants are replaced wherever their name was imported.
A process that has done this is spoilt: it is meant for a fork.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import sys
from collections.abc import Collection, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

_DEFAULTS = ("__defaults__", "__kwdefaults__")
_MISSING = object()
AT_IMPORT = ("guarded/0",)  # decorators of our own: what they wrap was wrapped at import


class NotTransplantableError(Exception):
    """The edit works while the module is imported and changes nothing that can be replaced."""


class ImportFailsError(Exception):
    """The mutated module cannot be imported."""


def transplant(name: str, code: CodeType, assigned: Collection[str] = ()) -> None:
    """Make a loaded module what its mutated code makes of it.

    Args:
        name: of the module, which has been imported.
        code: of the whole module, with the edit.
        assigned: names at the top of the module whose values the edit changes, whatever they are.

    Raises:
        NotTransplantableError: nothing that can be replaced came out different.
        ImportFailsError: it raises while it is executed.
    """
    module = importlib.import_module(name)
    fresh = _executed(module, code)
    held, wanted = dict(_functions(vars(module), name)), dict(_functions(vars(fresh), name))
    changed = 0
    for key, function in wanted.items():
        if key in held:
            inner = _inner(held[key].__code__, function.__code__)
            changed += _into(held[key], function)
            alive = _closures(inner)
            if key in AT_IMPORT and inner and not alive:
                raise NotTransplantableError(f"{key} has run already")
    changed += _values(module, vars(fresh), assigned)
    for key, value in vars(fresh).items():
        if inspect.isclass(value) and value.__module__ == name:
            changed += _attributes(vars(module)[key], value)
    if not changed:
        raise NotTransplantableError(name)


def _executed(module: ModuleType, code: CodeType) -> ModuleType:
    fresh = ModuleType(module.__name__)
    fresh.__dict__.update(
        {key: vars(module)[key] for key in ("__file__", "__package__", "__spec__", "__loader__")}
    )
    if hasattr(module, "__path__"):
        fresh.__path__ = module.__path__
    try:  # a dataclass looks its module up while it is made
        sys.modules[module.__name__] = fresh
        exec(code, fresh.__dict__)
    except Exception as error:
        raise ImportFailsError(f"{type(error).__name__}: {error}") from error
    finally:
        sys.modules[module.__name__] = module
    return fresh


def _functions(namespace: Any, module: str, prefix: str = "") -> Iterator[tuple[str, FunctionType]]:
    """Yield every function that a namespace defines, those of its classes too, by its path."""
    for key, value in namespace.items():
        if inspect.isclass(value):
            if value.__module__ == module:
                yield from _functions(vars(value), module, f"{prefix}{key}.")
            continue
        for number, function in enumerate(_unwrapped(value)):
            if function.__module__ == module:
                yield f"{prefix}{key}/{number}", function


def _unwrapped(value: Any) -> Iterator[FunctionType]:
    if isinstance(value, property):
        parts: tuple[Any, ...] = (value.fget, value.fset)
    elif isinstance(value, (staticmethod, classmethod)):
        parts = (value.__func__,)
    else:
        parts = (value,)
    for part in parts:
        inner = inspect.unwrap(part) if callable(part) else part
        if isinstance(inner, FunctionType):
            yield inner


def _into(held: FunctionType, wanted: FunctionType) -> int:
    changed = 0
    if held.__code__ != wanted.__code__:
        # Without its super() a method needs no cell, and yet it keeps the one that it has.
        held.__code__ = wanted.__code__.replace(co_freevars=held.__code__.co_freevars)
        changed += 1
    for name in _DEFAULTS:
        if repr(getattr(held, name)) != repr(getattr(wanted, name)):
            setattr(held, name, getattr(wanted, name))
            changed += 1
    return changed


def _inner(held: CodeType, wanted: CodeType) -> dict[CodeType, CodeType]:
    """Return the code of the functions made inside a function that came out different."""
    if held == wanted:
        return {}
    found = {held: wanted}
    parts = [[c for c in code.co_consts if isinstance(c, CodeType)] for code in (held, wanted)]
    for one, other in zip(*parts, strict=False):
        if one.co_qualname == other.co_qualname:
            found |= _inner(one, other)
    return found


def _closures(codes: dict[CodeType, CodeType]) -> int:
    """Replace the code of functions that were made earlier, by a decorator say."""
    if not codes:
        return 0
    gc.unfreeze()
    changed = 0
    for function in gc.get_objects():
        if type(function) is FunctionType and function.__code__ in codes:  # no proxy is asked
            wanted = codes[function.__code__]
            if function.__code__.co_freevars == wanted.co_freevars:
                function.__code__ = wanted
                changed += 1
    return changed


def _plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _values(module: ModuleType, wanted: dict[str, Any], assigned: Collection[str]) -> int:
    """Replace constants in the module and wherever they were imported by name."""
    ours = [m for n, m in list(sys.modules.items()) if n.split(".")[0] in ("scratch", "ref_torch")]
    changed = 0
    for key, new in wanted.items():
        old = vars(module).get(key, _MISSING)
        plain = _plain(new) and _plain(old) and repr(new) != repr(old)
        if key.startswith("__") or not (plain or key in assigned):
            continue
        for place in {module, *ours}:
            if vars(place).get(key, _MISSING) is old:
                setattr(place, key, new)
                changed += 1
    return changed


def _attributes(held: type, wanted: type) -> int:
    """Replace the constants of a class."""
    changed = 0
    for key, new in vars(wanted).items():
        old = vars(held).get(key, _MISSING)
        if not key.startswith("__") and _plain(new) and _plain(old) and repr(new) != repr(old):
            setattr(held, key, new)
            changed += 1
    return changed
