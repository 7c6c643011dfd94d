"""The lookup table of word vectors."""

from __future__ import annotations

import numpy as np

from scratch.nn.module import Module
from scratch.nn.parameter import Array, Parameter
from scratch.ops import embedding


class Embedding(Module):
    """y = weight[index], weight (num_embeddings, embedding_dim).

    Attributes:
        padding_idx: the index whose row gets no gradient, or None; a negative one counts from the
            end, as in torch.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> None:
        super().__init__()
        if min(num_embeddings, embedding_dim) < 1:
            raise ValueError(
                f"expects num_embeddings and embedding_dim of at least 1; got {num_embeddings},"
                f" {embedding_dim}"
            )
        if max_norm is not None or norm_type != 2:
            raise ValueError("max_norm is not offered: it would write into the table in forward")
        if scale_grad_by_freq:
            raise ValueError("scale_grad_by_freq=True is not offered: gradients are plain sums")
        if sparse:
            raise ValueError("sparse=True is not offered: gradients are arrays of full size")
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(
                f"padding_idx={padding_idx} lies outside a table of {num_embeddings} rows"
            )
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self.weight = Parameter(np.zeros((num_embeddings, embedding_dim), np.float32))

    def forward(self, input: Array) -> Array:
        """Map integers of any shape (...) to (..., embedding_dim)."""
        y, cache = embedding.embedding(input, self.weight.data, self.padding_idx)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> None:
        """Add to the gradient of weight; integers have no gradient, so there is none to return."""
        self.weight.add_grad(embedding.embedding_backward(d_output, self.saved()))

    def extra_repr(self) -> str:
        """Return the arguments in torch's words."""
        words = f"{self.num_embeddings}, {self.embedding_dim}"
        return words if self.padding_idx is None else f"{words}, padding_idx={self.padding_idx}"
