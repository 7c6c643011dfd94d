"""What a person may hand over for export: a chapter, a run folder, a checkpoint, weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scratch import spec
from scratch.data import Dataset, load
from scratch.run.folder import RunFolder
from scratch.spec.errors import UserError
from scratch.spec.schema import Chapter

if TYPE_CHECKING:
    from torch import nn

Array = np.ndarray[Any, np.dtype[Any]]

CHECKPOINT, SAFETENSORS, PUBLISHED = ".ckpt", ".safetensors", (".pth", ".pt")
COUNTER = "num_batches_tracked"  # files of old versions of torch have none


@dataclass(frozen=True)
class Artefact:
    """A network with all that its bundle must say.

    Attributes:
        chapter: its spec.
        model: the torch twin with the weights.
        dataset: the data it was trained on.
        arguments: constructor arguments that differ from the chapter's.
        training: what is known of its training.
        origin: one phrase for the reader: "trained weights of run ...".
    """

    chapter: Chapter
    model: nn.Module
    dataset: Dataset
    arguments: Mapping[str, Any]
    training: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""


def find(
    source: str,
    *,
    chapter: str | None = None,
    size: str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Artefact:
    """Return what `source` names.

    Args:
        source: a chapter's id, a run folder, a .ckpt, .safetensors or .pth file.
        chapter: chapter of a weights file that does not say it.
        size: "full" or "tiny", where the source does not say it.
        arguments: constructor arguments of the network of a weights file, where it does not say
            them.

    Raises:
        UserError: none of these, altered, of another network, or its data set cannot be loaded.
    """
    path = Path(source)
    if path.is_dir() or path.suffix == CHECKPOINT:
        if chapter or size or arguments:
            raise UserError(f"{path}: says its network itself; leave chapter, size and --set out")
        return _from_run(RunFolder.open(path)) if path.is_dir() else _from_checkpoint(path)
    if path.suffix in (SAFETENSORS, *PUBLISHED):
        return _from_weights(path, chapter, size, arguments or {})
    if arguments:
        raise UserError(f"{source}: --set is for a file of weights; train with it otherwise")
    if source in spec.ids():
        return _initial(spec.get(source, size or "full"))
    if path.exists():
        known = ", ".join((CHECKPOINT, SAFETENSORS, *PUBLISHED))
        raise UserError(f"{path}: neither a run folder nor a file of weights ({known})")
    if path.suffix or len(path.parts) > 1:
        raise UserError(f"{path}: no such file or folder")
    raise spec.unknown_chapter(source)


def _initial(chapter: Chapter) -> Artefact:
    import ref_torch

    model = ref_torch.build(chapter.id, chapter.size)
    origin = "initial weights of seed 0, not trained"
    if not any(parameter.any() for parameter in model.parameters()):
        _draw(model)
        origin = (
            "weights drawn from U(-1, 1), not trained "
            "(this chapter starts from zeros, of which no check could tell anything)"
        )
    return Artefact(chapter, model, load(chapter), {}, {"weights": origin}, origin)


def _draw(model: nn.Module) -> None:
    import torch

    generator = np.random.default_rng(0)
    with torch.no_grad():
        for parameter in model.parameters():
            values = generator.uniform(-1, 1, tuple(parameter.shape)).astype(np.float32)
            parameter.copy_(torch.from_numpy(values))


def _from_run(run: RunFolder) -> Artefact:
    from scratch.weights import load as load_weights

    if not run.weights.exists():
        raise UserError(
            f"{run.path}: the run has not ended, it holds no {run.weights.name}; go on with: "
            f"python scripts/train.py --resume {run.path}; or name one of its checkpoints"
        )
    if (run.path / "manifest.json").exists():
        run.verify()
    state, _ = load_weights(run.weights)
    return _loaded(run.weights, state, run.config, f"trained weights of {run.path.name}")


def _from_checkpoint(path: Path) -> Artefact:
    from ref_torch.checkpoint import AtomicCheckpointIO, weights_of

    checkpoint = AtomicCheckpointIO().load_checkpoint(path)
    state = {key: value.numpy() for key, value in weights_of(path, checkpoint).items()}
    said = checkpoint.get("chapter", {})
    config = {**_config_beside(path.parent.parent), "chapter": said.get("id")}
    config["size"] = said.get("size", "full")
    origin = f"weights of {path.name}, step {checkpoint.get('global_step')}"
    return _loaded(path, state, config, origin)


def _from_weights(
    path: Path, chapter: str | None, size: str | None, arguments: Mapping[str, Any]
) -> Artefact:
    from ref_torch.state_file import read_state
    from scratch.weights import load as load_weights

    state, metadata = load_weights(path) if path.suffix == SAFETENSORS else (read_state(path), {})
    if "step_losses" in state:  # a checkpoint of the scratch loop: the network is one part of it
        state = {k.removeprefix("model."): v for k, v in state.items() if k.startswith("model.")}
    config = {**_config_beside(path.parent), **_config_beside(path.parent.parent)}
    config |= {key: metadata[key] for key in ("chapter", "size") if key in metadata}
    if chapter:
        config["chapter"] = chapter
    if size:
        config["size"] = size
    if arguments:
        config["arguments"] = {**(config.get("arguments") or {}), **arguments}
    return _loaded(path, state, config, f"weights of {path.name}")


def _config_beside(folder: Path) -> dict[str, Any]:
    try:
        return RunFolder.open(folder).config
    except UserError:
        return {}


def _loaded(
    path: Path, state: Mapping[str, Array], config: Mapping[str, Any], origin: str
) -> Artefact:
    import torch

    import ref_torch
    from ref_torch.checkpoint import check_same_network

    if not config.get("chapter"):
        raise UserError(f"{path}: does not say of which chapter; add --chapter")
    chapter = spec.get(config["chapter"], config.get("size") or "full")
    arguments = {k: _frozen(v) for k, v in (config.get("arguments") or {}).items()}
    model = ref_torch.build(chapter.id, chapter.size, **arguments)
    chapter = replace(chapter, data=spec.named_classes(chapter.data, arguments))
    counters = {k: v.numpy() for k, v in model.state_dict().items() if k.endswith(COUNTER)}
    state = {**counters, **state}  # of a network that was just made, zeros
    check_same_network(path, model.state_dict(), state)
    model.load_state_dict({key: torch.from_numpy(value.copy()) for key, value in state.items()})
    dataset = load(
        chapter, config.get("data"), config.get("data_dir"), seed=config.get("seed") or 0
    )
    hidden = ("chapter", "size", "arguments", "data", "data_dir", "out")
    training = {key: value for key, value in config.items() if key not in hidden}
    return Artefact(chapter, model, dataset, arguments, {**training, "weights": origin}, origin)


def _frozen(value: Any) -> Any:
    """Return YAML's lists as the tuples they were."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
