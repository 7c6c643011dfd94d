"""The cases of recurrent layers and of the embedding."""

from __future__ import annotations

from parity_tests.harness.case import Layer

T, N, D, H = 5, 2, 7, 4  # steps, samples, inputs and units, pairwise distinct


def _common(layer: Layer, states: int) -> Layer:
    """Add what all three kinds have; `states` is how many they take: an LSTM h_0 and c_0."""
    size = {"input_size": D, "hidden_size": H}

    def first(samples: int, layers: int = 1) -> tuple[tuple[int, ...], ...]:
        return ((layers, samples, H),) * states

    return (
        layer.at((T, N, D), "", exact=False, **size)
        .at((T, N, D), "first states", exact=False, also=first(N), **size)
        .at((1, N, D), "one step", exact=False, also=first(N), **size)
        .at((T, 1, D), "one sample", exact=False, **size)
        .at((N, T, D), "batch first", exact=False, also=first(N), batch_first=True, **size)
        .at((T, N, D), "no bias", exact=False, bias=False, **size)
        .at((T, N, D), "both directions", exact=False, bidirectional=True, **size)
        .at((T, N, D), "two layers", exact=False, num_layers=2, **size)
        .at(
            (N, 3, D),
            "two layers, both directions, batch first, first states",
            exact=False,
            also=first(N, 4),
            num_layers=2,
            bidirectional=True,
            batch_first=True,
            **size,
        )
        .at((17, 1, 3), "many steps", exact=False, input_size=3, hidden_size=2)
        .at((T, N, D), "far from zero", exact=False, values="far", **size)
    )


_size = {"input_size": D, "hidden_size": H, "nonlinearity": "relu"}
_rnn = (
    _common(Layer("RNN"), 1)
    .at((3, N, D), "rectified", **_size)
    .at((3, N, D), "rectified, first states", also=((1, N, H),), **_size)
    .at(
        (3, N, D),
        "rectified, both directions",
        also=((2, N, H),),
        bidirectional=True,
        **_size,
    )
    .at((N, 2, D), "rectified, two layers", num_layers=2, batch_first=True, **_size)
)
_embedding = (
    Layer("Embedding")
    .at((N, T), "repeated indices", num_embeddings=3, embedding_dim=H)
    .at((T,), "one axis", num_embeddings=D, embedding_dim=H)
    .at((N, T), "padding", num_embeddings=3, embedding_dim=H, padding_idx=1)
    .at((N, T), "padding from the end", num_embeddings=3, embedding_dim=H, padding_idx=-3)
)

LAYERS = (_rnn, _common(Layer("LSTM"), 2), _common(Layer("GRU"), 1), _embedding)
