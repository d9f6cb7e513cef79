"""Files in folders and archives, and columns of numbers in them."""

import numpy as np
import pandas
import pytest

from anymo_jax.datasets.raw.columns import has_header, read_columns
from anymo_jax.datasets.raw.files import find_files
from tests.datasets.raw.layouts import write, zipped


def names(root, *arguments):
    return [file.name for file in find_files(root, *arguments)]


def test_files_are_found_at_any_depth_in_folders_and_archives(tmp_path):
    root = tmp_path / "data"
    write(root / "b/s10.txt", "ten")
    write(root / "b/s2.TXT", "two")
    write(root / "xs3.txt", "no")
    inner = zipped({"s1.txt": "one", "__MACOSX/._s1.txt": "no", "d/._s1.txt": "no"})
    write(root / "a.zip", zipped({"deep/in.zip": inner, "s4.txt": "four"}))
    found = find_files(root, r"s(?P<number>\d+)\.txt")
    assert [f.name for f in found] == [
        *("data/a.zip/deep/in.zip/s1.txt", "data/a.zip/s4.txt"),
        *("data/b/s2.TXT", "data/b/s10.txt"),
    ]
    assert [f.read() for f in found] == [b"one", b"four", b"two", b"ten"]
    assert [f.groups["number"] for f in found] == ["1", "4", "2", "10"]


def test_an_archive_or_a_file_by_itself_is_a_download_too(tmp_path):
    path = write(tmp_path / "a.zip", zipped({"x/s1.txt": "one"}))
    assert names(path, r"s1\.txt") == ["a.zip/x/s1.txt"]
    assert names(write(tmp_path / "s1.txt", "one"), r"s1\.txt") == ["s1.txt"]


def test_what_is_missing_or_damaged_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none: no such file or folder"):
        find_files(tmp_path / "none", "x")
    write(tmp_path / "readme.md", "x")
    with pytest.raises(
        ValueError, match=r"found 1 other files, .*readme.md. Needed: b"
    ):
        find_files(tmp_path, r"a\.txt", "b")
    archive = zipped({"s1.txt": "one" * 100})
    write(tmp_path / "cut.zip", archive[:-20])
    with pytest.raises(ValueError, match=r"cut\.zip: a damaged archive"):
        find_files(tmp_path, r"s1\.txt")
    middle = bytearray(archive)
    middle[40] ^= 255
    write(tmp_path / "cut.zip", bytes(middle))
    (file,) = find_files(tmp_path, r"s1\.txt")
    with pytest.raises(ValueError, match=r"cut\.zip/s1\.txt: cannot be read"):
        file.read()


def read(text, columns=(0, 1, 2), **more):
    kinds = dict.fromkeys(columns, np.float64)
    return read_columns(text.encode(), "f.txt", kinds, **more)


def test_columns_are_read_in_the_order_asked_for():
    frame = read("t,x,y,z\r\n1,2,3,4\r\n5,6,,8\r\n", ("z", "x", "y"), header=True)
    np.testing.assert_array_equal(frame.to_numpy(), [[4, 2, 3], [8, 6, np.nan]])
    frame = read("\ufeff 1  2\t3 \n\n4 5  NaN", (2, 0), separator=" ", width=3)
    np.testing.assert_array_equal(frame.to_numpy(), [[3, 1], [np.nan, 4]])


def test_values_are_those_that_pandas_reads():
    table = np.random.default_rng(0).normal(size=(50, 5))
    text = pandas.DataFrame(table).to_csv(header=False, index=False)
    np.testing.assert_array_equal(read(text, range(5)).to_numpy(), table)


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ("1,2,3\n4,5\n6,7,8\n", {}, r"f.txt, line 2: 2 columns, expected 3"),
        ("1,2,3\n4,5,6,7\n8,9,1\n", {}, r"line 2: 4 columns, expected 3"),
        ("1 2 3\n4 5 6 7\n8 9 1\n", {"separator": " "}, r"line 2: 4 columns"),
        ("1,2,3\n4,5,6\n6,7", {}, r"line 3 \(the last: the file is cut short\): 2"),
        ("1,2,3\n4,5,6,7\n8,9\n", {}, r"line 2: 4 columns"),
        ("a,b,c\n1,2,3\n1,2\n", {"header": True}, r"line 3 \(the last"),
        ("1 2 3\n4 5 6 7\n", {"separator": " "}, r"line 2 .*: 4 columns, expected 3"),
        ("1,2,3\n4,5.5.5,6\n", {}, r"line 2, column 2: '5.5.5' is no number"),
        ('1,"2,3\n4,5,6\n7,8",9\n', {}, r"line 1, column 2: '\"2' is no number"),
        ("1,2\n3,4\n", {"width": 3}, r"line 1: 2 columns, expected 3"),
        ("1,2\n3,4\n", {"columns": (5,)}, r"no column 6; lines have 2 columns"),
        ("a,b\n3,4\n", {"columns": ("c",), "header": True}, r"no column 'c'.*has a, b"),
        ("1,2,3\n4,5,1e400\n", {}, r"line 2, column 3: inf, which nothing measures"),
        ("a,b\n", {"header": True}, r"holds no line of data"),
        ("", {}, r"holds no line of data"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text, more, message):
    with pytest.raises(ValueError, match=message):
        read(text, **more)


def test_a_header_is_told_from_numbers():
    assert has_header(b"time,x,y\n1,2,3\n")
    assert not has_header(b"\xef\xbb\xbf1, 2.5,-3e-4\n")
    assert not has_header(b"1 nan 3\n", " ")
