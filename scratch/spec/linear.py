"""Single-layer models: linear, logistic and softmax regression (steps 2 and 3 of the book)."""

from __future__ import annotations

from dataclasses import replace

from scratch.spec.book import BOOK
from scratch.spec.schema import Chapter, Data, Expected, Facts, Source, Stop, Train

_LOGITS = "The network returns logits; the {f} stands inside the loss, where it is stable."

LINEAR_REGRESSION = Chapter(
    id="linear_regression",
    title="Linear regression with one input",
    title_zh="单变量线性回归",
    step=2,
    book="ch04",
    sources=(Source(BOOK, "chapter 4"),),
    file="linear",
    model="LinearRegression",
    arguments={"features": 1, "outputs": 1},
    data=Data(
        name="servers",
        shape=(1,),
        task="regression",
        features=("servers (thousands)",),
        target="air-conditioner power (kW)",
        alternatives=("diabetes",),
    ),
    train=Train(
        loss="HalfMSELoss", optimizer="SGD", lr=0.1, batch_size=10, epochs=50, init="zeros"
    ),
    expected=Expected(metric="r2", low=0.85, note="5 seeds: 0.866 to 0.890; the noise allows 0.89"),
    facts=Facts(
        parameters=2,
        shapes={"linear": (1,)},
        source=Source(BOOK, "4.2: one weight and one bias"),
    ),
    presets={"book": {"lr": 0.3, "epochs": 100, "stop": Stop(loss=0.02)}},
)

HOUSE_PRICE = Chapter(
    id="house_price",
    title="Price of a flat: linear regression with two inputs",
    title_zh="多变量线性回归预测房价",
    step=2,
    book="ch05",
    sources=(Source(BOOK, "chapter 5"),),
    file="linear",
    model="LinearRegression",
    arguments={"features": 2, "outputs": 1},
    data=Data(
        name="flats",
        shape=(2,),
        task="regression",
        features=("distance to the center (km)", "area (m2)"),
        target="price (10,000 yuan)",
        normalise="min-max",
        normalise_target="min-max",
    ),
    train=Train(
        loss="HalfMSELoss", optimizer="SGD", lr=0.1, batch_size=10, epochs=50, init="zeros"
    ),
    expected=Expected(metric="r2", low=0.92, note="5 seeds: 0.939 to 0.946"),
    facts=Facts(
        parameters=3,
        shapes={"linear": (1,)},
        source=Source(BOOK, "5.2: two weights and one bias"),
    ),
    presets={"book": {"lr": 0.01, "epochs": 200}},
)

LOGISTIC_REGRESSION = Chapter(
    id="logistic_regression",
    title="Logistic regression with two inputs",
    title_zh="线性二分类",
    step=3,
    book="ch06",
    sources=(Source(BOOK, "chapter 6"),),
    file="linear",
    model="LogisticRegression",
    arguments={"features": 2},
    data=Data(
        name="cities",
        shape=(2,),
        task="binary",
        classes=("Han", "Chu"),
        features=("longitude (relative)", "latitude (relative)"),
        target="kingdom",
        alternatives=("breast_cancer",),
        normalise="min-max",
    ),
    train=Train(
        loss="BCEWithLogitsLoss", optimizer="SGD", lr=0.5, batch_size=10, epochs=100, init="zeros"
    ),
    expected=Expected(metric="accuracy", low=0.96, note="5 seeds: 0.970 to 1.0"),
    facts=Facts(
        parameters=3,
        shapes={"linear": (1,)},
        source=Source(BOOK, "6.2: two weights and one bias"),
    ),
    presets={"book": {"lr": 0.1, "epochs": 10_000}},
    deviations=(_LOGITS.format(f="sigmoid"),),
)

TANH_CLASSIFIER = replace(
    LOGISTIC_REGRESSION,
    id="tanh_classifier",
    title="Binary classification by a hyperbolic tangent",
    title_zh="用双曲正切函数做二分类",
    sources=(Source(BOOK, "6.6"),),
    data=replace(LOGISTIC_REGRESSION.data, options={"labels": (-1, 1)}),
    train=replace(LOGISTIC_REGRESSION.train, loss="TanhCrossEntropyLoss", lr=0.1),
    expected=Expected(metric="accuracy", low=0.96, note="5 seeds: 0.980 to 1.0"),
    facts=replace(LOGISTIC_REGRESSION.facts, source=Source(BOOK, "6.6: two weights and one bias")),
    presets={"book": {"epochs": 1000}},
    deviations=(_LOGITS.format(f="hyperbolic tangent"),),
)

SOFTMAX_REGRESSION = Chapter(
    id="softmax_regression",
    title="Softmax regression with three classes",
    title_zh="线性多分类",
    step=3,
    book="ch07",
    sources=(Source(BOOK, "chapter 7"),),
    file="linear",
    model="SoftmaxRegression",
    arguments={"features": 2, "classes": 3},
    data=Data(
        name="kingdoms",
        shape=(2,),
        task="multiclass",
        classes=("Wei", "Shu", "Wu"),
        features=("longitude (relative)", "latitude (relative)"),
        target="kingdom",
        alternatives=("iris", "wine"),
        normalise="min-max",
    ),
    train=Train(
        loss="CrossEntropyLoss", optimizer="SGD", lr=0.5, batch_size=10, epochs=100, init="zeros"
    ),
    expected=Expected(metric="accuracy", low=0.95, note="5 seeds: 0.978 to 0.993"),
    facts=Facts(
        parameters=9,
        shapes={"linear": (3,)},
        source=Source(BOOK, "7.2: six weights and three biases"),
    ),
    presets={"book": {"lr": 0.1, "stop": Stop(loss=1e-3)}},
    deviations=(_LOGITS.format(f="softmax"),),
)
