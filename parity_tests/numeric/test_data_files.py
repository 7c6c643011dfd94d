"""King County's houses and the census: read in every spelling, refused in every damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parity_tests.numeric.table_chapter import chapter
from scratch import spec
from scratch.data import census, houses, load
from scratch.spec.errors import UserError

# ---------------------------------------------------------------------------------------- houses

HOUSE_COLUMNS = (
    "id,date,price,bedrooms,bathrooms,sqft_living,sqft_lot,floors,waterfront,view,condition,"
    "grade,sqft_above,sqft_basement,yr_built,yr_renovated,zipcode,lat,long,sqft_living15,sqft_lot15"
)
HOUSE = (
    '"71{i:03d}","20141013T000000",{p},3,1.5,{a},5650,1,0,0,3,7,1180,0,{b},{r},"98178",'
    "47.5,-122.2,1340,5650"
)


def house_lines(n: int = 50) -> list[str]:
    return [
        HOUSE.format(i=i, p=200000 + 1000 * i, a=900 + 7 * i, b=1955, r=1991 if i % 5 == 0 else 0)
        for i in range(n)
    ]


def write(path: Path, lines: list[str], end: str = "\n", mark: bytes = b"") -> Path:
    path.write_bytes(mark + (end.join(lines) + end).encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_houses_in_every_spelling(tmp_path, end, mark):
    write(tmp_path / houses.FILE, [HOUSE_COLUMNS, *house_lines()], end, mark)
    data = load(chapter("diabetes", 13, "regression"), data_dir=tmp_path)
    assert data.name == "houses"
    assert [len(part) for part in (data.train, data.val, data.test)] == [36, 4, 10]
    assert data.preprocessing["names"][10] == "year built or renovated"
    assert data.preprocessing["high"][10] == 1991
    assert data.preprocessing["low"][10] == 1955
    constant = [0, 1, 3, 4, 5, 6, 7, 8, 9, 11, 12]
    for part in (data.train, data.val, data.test):
        assert (part.x[:, constant] == 0).all()
    assert (data.train.y.min(), data.train.y.max()) == (0, 1)
    assert data.preprocessing["target"]["high"] > 200000
    ten = load(chapter("diabetes", 10, "regression"), "houses", data_dir=tmp_path)
    assert np.array_equal(ten.train.x, data.train.x[:, :10])
    with pytest.raises(UserError, match="13 features; the chapter takes 14"):
        load(chapter("diabetes", 14, "regression"), data_dir=tmp_path)


def spoilt(line: int, old: str, new: str) -> list[str]:
    lines = [HOUSE_COLUMNS, *house_lines()]
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    return lines


DAMAGED_HOUSES = {
    "empty file": ([], "it is empty"),
    "no rows": ([HOUSE_COLUMNS], "no rows below its header"),
    "no header": (house_lines(), "no column bedrooms.*the first line names the columns"),
    "semicolons": (
        [line.replace(",", ";") for line in (HOUSE_COLUMNS, *house_lines())],
        "commas between them; it begins with: id;date",
    ),
    "a column less": ([HOUSE_COLUMNS.replace("grade,", "x,"), *house_lines()], "no column grade;"),
    "missing value": (spoilt(4, ",3,1.5,", ",,1.5,"), "line 4: bedrooms is missing"),
    "word": (spoilt(5, ",3,1.5,", ",three,1.5,"), 'line 5: bedrooms is "three", no number'),
    "NaN": (spoilt(6, ",3,1.5,", ",nan,1.5,"), "line 6: bedrooms is nan"),
    "infinite": (spoilt(7, ",3,1.5,", ",3,-inf,"), "line 7: bathrooms is -inf"),
    "short row": (spoilt(8, ",47.5,-122.2,1340,5650", ""), "line 8: ends before lat"),
    "one row": ([HOUSE_COLUMNS, *house_lines(1)], "1 samples are too few"),
}


@pytest.mark.parametrize("damage", DAMAGED_HOUSES)
def test_damaged_houses_are_refused_in_one_line(tmp_path, damage):
    lines, reason = DAMAGED_HOUSES[damage]
    path = tmp_path / houses.FILE
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(UserError, match=reason) as caught:
        load(chapter("diabetes", 13, "regression"), data_dir=tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_tables_are_refused(tmp_path):
    path = tmp_path / houses.FILE
    for content, reason in (
        (b"\xff\xfe" + HOUSE_COLUMNS.encode("utf-16-le"), "not UTF-8 text"),
        ((HOUSE_COLUMNS + "\n" + '"' + "x" * 200_000 + '"').encode(), "not a table"),
        ((HOUSE_COLUMNS + "\n" + '"open').encode(), "ends before|is missing|no number"),
    ):
        path.write_bytes(content)
        with pytest.raises(UserError, match=reason):
            houses.read(path)
    with pytest.raises(UserError, match="cannot be read"):
        houses.read(tmp_path)


# ---------------------------------------------------------------------------------------- census

ADULT = (
    "{age}, Private, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, "
    "Male, 2174, 0, 40, United-States, {label}"
)
UNKNOWN = ADULT.format(age=30, label="<=50K").replace("Private", "?")


def adult_lines(n: int, stop: str = "") -> list[str]:
    return [
        ADULT.format(age=20 + i, label=(">50K" if i % 4 == 0 else "<=50K") + stop) for i in range(n)
    ]


def adult() -> spec.Chapter:
    return chapter("breast_cancer", 14, "binary", ("a", "b"))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_census_as_uci_has_it(tmp_path, end):
    write(tmp_path / "adult.data", [*adult_lines(60), UNKNOWN, ""], end)
    write(tmp_path / "adult.test", ["|1x3 Cross validator", *adult_lines(20, "."), UNKNOWN], end)
    data = load(adult(), data_dir=tmp_path)
    assert data.name == "census"
    assert [len(part) for part in (data.train, data.val, data.test)] == [54, 6, 20]
    assert data.classes == ("<=50K", ">50K")
    assert data.test.y.sum() == 5
    table = census.read(tmp_path / "adult.data")
    assert table.x[1].tolist() == [21, 0, 77516, 0, 13, 2, 8, 3, 0, 1, 2174, 0, 40, 0]
    assert table.y[:5].tolist() == [1, 0, 0, 0, 1]
    assert len(table.features) == 14


def test_the_census_with_a_header_in_another_order(tmp_path):
    names = [*census.FEATURES, "income"]
    lines = [line.split(", ") for line in adult_lines(50)]
    header = [name.replace("-", ".").capitalize() for name in names]
    rows = [header, *lines]
    write(tmp_path / "adult.csv", [",".join(row[::-1]) for row in rows], mark=b"\xef\xbb\xbf")
    write(tmp_path / "adult.data", adult_lines(50))
    there, back = (census.read(tmp_path / name) for name in ("adult.data", "adult.csv"))
    assert np.array_equal(there.x, back.x)
    assert np.array_equal(there.y, back.y)
    (tmp_path / "adult.data").unlink()
    data = load(adult(), "census", data_dir=tmp_path)
    assert len(data.train) + len(data.val) + len(data.test) == 50
    assert 9 <= len(data.test) <= 11


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Private", "Privat", 'line 2: unknown workclass "Privat"; did you mean "Private"'),
        ("Bachelors", "", "line 2: education is missing"),
        ("77516", "many", 'line 2: fnlwgt is "many", no number'),
        ("77516", "nan", "line 2: fnlwgt is nan"),
        (", <=50K", "", "line 2: ends before income"),
        ("<=50K", "rich", 'line 2: unknown income "rich"'),
    ],
)
def test_damaged_census_files_are_refused_in_one_line(tmp_path, old, new, reason):
    lines = adult_lines(50)
    assert old in lines[1]
    lines[1] = lines[1].replace(old, new)
    write(tmp_path / "adult.csv", lines)
    with pytest.raises(UserError, match=reason) as caught:
        load(adult(), data_dir=tmp_path)
    assert str(tmp_path / "adult.csv") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_census_files_without_samples(tmp_path):
    for lines in ([], [UNKNOWN], ["|1x3 Cross validator"]):
        write(tmp_path / "adult.csv", lines)
        with pytest.raises(UserError, match="holds no complete rows"):
            load(adult(), data_dir=tmp_path)
    write(tmp_path / "adult.csv", adult_lines(1))
    with pytest.raises(UserError, match=r"adult\.csv: 1 samples are too few"):
        load(adult(), data_dir=tmp_path)
    (tmp_path / "adult.csv").unlink()
    write(tmp_path / "adult.data", adult_lines(9))
    with pytest.raises(UserError, match=r"adult\.test is not beside the rest"):
        load(adult(), data_dir=tmp_path)
    with pytest.raises(UserError, match=r"name the folder .* adult\.data with adult\.test"):
        load(adult(), "census")


@pytest.mark.parametrize("id", ["linear_regression", "lenet5", "resnet20", "dnn_house"])
def test_a_file_in_place_of_the_folder_is_called_one(tmp_path, id):
    path = tmp_path / "photo.png"
    path.touch()
    with pytest.raises(UserError, match=r"photo\.png: is a file; name the folder"):
        load(spec.get(id, "tiny"), data_dir=path)
