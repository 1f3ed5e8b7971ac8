"""A first line that is no event is never taken for one."""

import gzip
import io

import numpy as np
import pandas as pd
import pytest
from higgs_lines import make_rows

from higgs_tutorial.data.csv.edges import check_not_numbered
from higgs_tutorial.data.prepare import prepare
from higgs_tutorial.data.score import score_file

ROWS = make_rows(50)


def csv(frame, **options):
    stream = io.StringIO()
    frame.to_csv(stream, **options)
    return stream.getvalue()


FRAME = pd.DataFrame(ROWS)
NUMBERED = {
    "label and features": csv(FRAME, index=False),
    "features": csv(FRAME.iloc[:, 1:], index=False),
    "features from 0": csv(pd.DataFrame(ROWS[:, 1:]), index=False),
    "from 1": csv(FRAME.rename(columns=lambda i: i + 1), index=False),
    "an index": csv(pd.DataFrame(ROWS[:, 1:])),
    "quoted": csv(FRAME.rename(columns=str), index=False, quoting=2),
    "a label with a name": csv(FRAME.rename(columns={0: "label"}), index=False),
    "a label with a name at the end": csv(
        FRAME[[*range(1, 29), 0]].rename(columns={0: "label"}), index=False
    ),
    "numbered by floats": csv(FRAME.rename(columns=float), index=False),
    "in another order": csv(FRAME[[0, *range(28, 0, -1)]], index=False),
    "chosen columns": csv(FRAME[[0, *range(3, 28), 1, 2, 28]], index=False),
}


@pytest.mark.parametrize("kind", NUMBERED)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_header_of_column_numbers_is_refused(kind, pack, tmp_path):
    (tmp_path / "e.csv").write_bytes(pack(NUMBERED[kind].encode()))
    with pytest.raises(ValueError, match=r"line 1: a header of column numbers .* header=False"):
        score_file(lambda x: x[:, 0], 28, tmp_path / "e.csv", tmp_path / "p.npy")
    for rows in (50, 51, None):
        with pytest.raises(ValueError, match=r"line 1: .*header=False"):
            prepare(tmp_path / "e.csv", tmp_path / "out", rows=rows)


def test_without_it_all_is_well(tmp_path):
    for frame, header in ((FRAME, False), (FRAME.rename(columns=lambda i: f"c{i}"), True)):
        (tmp_path / "e.csv").write_text(csv(frame, index=False, header=header))
        assert score_file(lambda x: x[:, 0], 28, tmp_path / "e.csv", tmp_path / "p.npy").rows == 50
        np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), ROWS[:, 1])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1,0.5,2", "1,2,3"),
        ("1.0,2.0,3.0", "0.5,2.5,3.5"),
        ("1,1,0", "0,0.5,1"),
        ("1,3", "0,5"),
        ("5", "6"),
        ("-1,0,1", "1,2,3"),
        ("a,b,c", "1,2,3"),
        ("", ""),
        ("7,5,3", ""),
    ],
)
def test_events_are_no_headers(first, second):
    check_not_numbered("file", first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("0,1", "1,0"),
        ("1,2,3", ""),
        ("0", "0.5"),
        ("5,3", "0.5,1"),
        ("label,0", "1,0.25"),
        ("7,8,9\r", "1,2,3\r"),
    ],
)
def test_headers_of_few_columns(first, second):
    with pytest.raises(ValueError, match="file, line 1: a header of column numbers"):
        check_not_numbered("file", first, second)
