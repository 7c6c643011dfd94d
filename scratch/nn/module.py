"""The module: names, parameters and the memory between forward and backward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from scratch.nn.guard import guarded, keeps
from scratch.nn.parameter import Array, Parameter


class Incompatible(NamedTuple):
    """Names that `load_state_dict(strict=False)` passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """A piece of a network with `forward` and an explicit `backward`.

    A subclass defines `forward(*inputs)`, which calls `self.save(...)` with what the gradient
    needs, and `backward(d_output)`, which takes it back with `self.saved()`, adds to
    `parameter.grad` and returns the gradient of the inputs. What was saved lies on a stack, so a
    module may be called many times and its backwards run in reverse order. Attribute assignment
    registers parameters and children in order; `register_buffer` does it for arrays without a
    gradient.
    """

    training: bool
    warned_stale: bool
    _parameters: dict[str, Parameter]
    _buffers: dict[str, Array]
    _modules: dict[str, Module]
    _stack: list[tuple[Any, ...]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("forward", "backward"):
            if name in cls.__dict__:
                setattr(cls, name, guarded(cls.__dict__[name]))

    def __init__(self) -> None:
        set_plain = super().__setattr__
        set_plain("_parameters", {})
        set_plain("_buffers", {})
        set_plain("_modules", {})
        set_plain("_stack", [])
        set_plain("training", True)
        set_plain("warned_stale", False)

    def forward(self, *inputs: Any) -> Any:
        """Compute the output and save what `backward` needs."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward")

    def backward(self, d_output: Any) -> Any:
        """Add to the gradients of the parameters and return the gradient of the inputs."""
        raise NotImplementedError(f"{type(self).__name__} defines no backward")

    def __call__(self, *inputs: Any) -> Any:
        """Same as `forward`."""
        return self.forward(*inputs)

    # ---- what forward leaves for backward

    def save(self, *values: Any) -> None:
        """Push what backward needs; does nothing inside `inference()`."""
        if keeps():
            self._stack.append(values)

    def saved(self) -> Any:
        """Pop what the latest forward without a backward saved.

        Returns:
            The saved value, or the tuple of them if `save` was given several.

        Raises:
            RuntimeError: backward without a matching forward.
        """
        if not self._stack:
            raise RuntimeError(f"{type(self).__name__}: backward without a matching forward")
        values = self._stack.pop()
        return values[0] if len(values) == 1 else values

    def pending(self) -> int:
        """Return how many forwards of this module wait for their backward."""
        return len(self._stack)

    def forget(self) -> None:
        """Empty the stacks of this module and of everything below it."""
        for _, module in self.named_modules():
            module._stack.clear()
            module.warned_stale = False

    # ---- registration

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._buffers:
            self._buffers[name] = value
        elif isinstance(value, Parameter):
            self._parameters[name] = value
        elif isinstance(value, Module):
            self._modules[name] = value
        super().__setattr__(name, value)

    def register_buffer(self, name: str, value: Array) -> None:
        """Add an array that belongs to the state but has no gradient."""
        self._buffers[name] = value
        super().__setattr__(name, value)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield (name, child) in order of registration."""
        yield from self._modules.items()

    def named_modules(
        self, prefix: str = "", seen: set[int] | None = None
    ) -> Iterator[tuple[str, Module]]:
        """Yield (path, module) for this module, path "", and all below it, each once."""
        seen = set() if seen is None else seen
        if id(self) in seen:
            return
        seen.add(id(self))
        yield prefix, self
        for name, child in self._modules.items():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name, seen)

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield (path, parameter), each parameter once."""
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, parameter in module._parameters.items():
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield f"{path}.{name}" if path else name, parameter

    def named_buffers(self) -> Iterator[tuple[str, Array]]:
        """Yield (path, array)."""
        for path, module in self.named_modules():
            for name, value in module._buffers.items():
                yield f"{path}.{name}" if path else name, value

    def parameters(self) -> Iterator[Parameter]:
        """Yield every parameter once."""
        for _, parameter in self.named_parameters():
            yield parameter

    # ---- state

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters and buffers under torch's names, in torch's order."""
        state: dict[str, Array] = {}
        self._collect(state, "")
        return state

    def _collect(self, state: dict[str, Array], prefix: str) -> None:
        for name, parameter in self._parameters.items():
            state[prefix + name] = parameter.data.copy()
        for name, value in self._buffers.items():
            state[prefix + name] = np.array(value)
        for name, child in self._modules.items():
            child._collect(state, f"{prefix}{name}.")

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> Incompatible:
        """Copy `state` into parameters and buffers, cast to this model's dtype.

        Args:
            state: arrays, or anything `numpy.asarray` takes, under the names of `state_dict`.
            strict: refuse missing and unexpected names.

        Raises:
            KeyError: names do not match; nothing is loaded.
            ValueError: a shape does not match; nothing is loaded.
        """
        own = self.state_dict()
        arrays = {name: np.asarray(value) for name, value in state.items()}
        missing = [name for name in own if name not in arrays]
        unexpected = [name for name in arrays if name not in own]
        shapes = [
            f"{name}: expects {own[name].shape}, got {value.shape}"
            for name, value in arrays.items()
            if name in own and own[name].shape != value.shape
        ]
        if shapes or (strict and (missing or unexpected)):
            parts = [
                f"missing: {', '.join(missing)}" if missing and strict else "",
                f"unexpected: {', '.join(unexpected)}" if unexpected and strict else "",
                f"shapes: {'; '.join(shapes)}" if shapes else "",
            ]
            message = f"{type(self).__name__}: " + "; ".join(part for part in parts if part)
            raise ValueError(message) if shapes else KeyError(message)
        self._assign({name: arrays[name] for name in own if name in arrays}, "")
        return Incompatible(missing, unexpected)

    def _assign(self, arrays: Mapping[str, Array], prefix: str) -> None:
        for name, parameter in self._parameters.items():
            if prefix + name in arrays:
                parameter.data = np.empty_like(parameter.data)  # in memory as before
                parameter.data[...] = arrays[prefix + name]
        for name, value in self._buffers.items():
            if prefix + name in arrays:
                setattr(self, name, np.array(arrays[prefix + name], dtype=value.dtype))
        for name, child in self._modules.items():
            child._assign(arrays, f"{prefix}{name}.")

    def astype(self, dtype: Any) -> Self:
        """Convert parameters, gradients and floating buffers in place; return the module."""
        self.forget()
        for _, module in self.named_modules():
            for parameter in module._parameters.values():
                parameter.astype(dtype)
            for name, value in module._buffers.items():
                if np.issubdtype(value.dtype, np.inexact):
                    setattr(module, name, value.astype(dtype))
        return self

    def zero_grad(self) -> None:
        """Fill every gradient with zeros and empty every stack."""
        self.forget()
        for parameter in self.parameters():
            parameter.zero_grad()

    def train(self, mode: bool = True) -> Self:
        """Set training behaviour (dropout drops, batch statistics are used); return the module."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation behaviour; return the module."""
        return self.train(False)

    # ---- text

    def extra_repr(self) -> str:
        """Return the constructor arguments for `repr`, in torch's words."""
        return ""

    def __repr__(self) -> str:
        lines = []
        for name, child in self._modules.items():
            text = repr(child).replace("\n", "\n  ")
            lines.append(f"  ({name}): {text}")
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        return f"{type(self).__name__}(\n" + "\n".join(lines) + "\n)"
