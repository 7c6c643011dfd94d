"""Logic gates with one neuron (step 3 of the book)."""

from __future__ import annotations

from scratch.spec.book import BOOK
from scratch.spec.schema import Chapter, Data, Expected, Facts, Source, Stop, Train


def _gate(name: str, title_zh: str, inputs: tuple[str, ...]) -> Chapter:
    width = len(inputs)
    return Chapter(
        id=f"logic_{name}",
        title=f"Logic gate {name.upper()} with one neuron",
        title_zh=title_zh,
        step=3,
        book="ch06",
        sources=(Source(BOOK, "6.5"),),
        file="linear",
        model="LogisticRegression",
        arguments={"features": width},
        data=Data(
            name=name,
            shape=(width,),
            task="binary",
            classes=("0", "1"),
            features=inputs,
            target=f"{name} of the inputs",
        ),
        train=Train(
            loss="BCEWithLogitsLoss",
            optimizer="SGD",
            lr=0.5,
            batch_size=1,
            epochs=200,
            init="zeros",
        ),
        expected=Expected(metric="accuracy", low=1.0, note="nothing is drawn: 1.0"),
        facts=Facts(
            parameters=width + 1,
            shapes={"linear": (1,)},
            source=Source(BOOK, f"6.5: {width} weight(s) and a bias"),
        ),
        presets={"book": {"epochs": 10_000, "stop": Stop(loss=2e-3)}},
        deviations=("The network returns logits; the sigmoid stands inside the loss.",),
    )


_TWO = ("a", "b")
LOGIC_NOT = _gate("not", "逻辑非门", ("a",))
LOGIC_AND = _gate("and", "逻辑与门", _TWO)
LOGIC_NAND = _gate("nand", "逻辑与非门", _TWO)
LOGIC_OR = _gate("or", "逻辑或门", _TWO)
LOGIC_NOR = _gate("nor", "逻辑或非门", _TWO)
