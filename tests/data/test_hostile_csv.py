"""What prepare refuses: each file with one clear error that names the line."""

import gzip
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from higgs_lines import make_rows, to_lines
from hypothesis import given
from hypothesis import strategies as st

from higgs_tutorial.data.csv import reader
from higgs_tutorial.data.csv.higgs import LAYOUT
from higgs_tutorial.data.csv.rules import Layout, parse_fast, parse_strictly
from higgs_tutorial.data.prepare import prepare

ROWS = 200
BAD_LINE = 157
LINES = to_lines(make_rows(ROWS))


def with_field(column, text):
    """A line whose field in `column` (from 1) is `text`."""
    fields = LINES[BAD_LINE - 1].split(b",")
    fields[column - 1] = text
    return b",".join(fields)


ORDINARY = LINES[BAD_LINE - 1]
BAD_LINES = {
    "a column too few": (ORDINARY.rpartition(b",")[0], "28 columns instead of 29"),
    "a column too many": (ORDINARY + b",1.0", "30 columns instead of 29"),
    "a comma at the end": (ORDINARY + b",", "30 columns instead of 29"),
    "semicolons": (ORDINARY.replace(b",", b";"), "1 columns instead of 29"),
    "blanks between": (ORDINARY.replace(b",", b" "), "1 columns instead of 29"),
    "text": (with_field(5, b"hello"), "column 5 is not a number: 'hello'"),
    "an empty field": (with_field(29, b""), "column 29 is not a number: ''"),
    "a blank field": (with_field(2, b"  "), "column 2 is not a number"),
    "NaN": (with_field(3, b"nan"), "column 3 is not finite: 'nan'"),
    "infinity": (with_field(4, b"inf"), "column 4 is not finite: 'inf'"),
    "minus infinity": (with_field(4, b"-Infinity"), "column 4 is not finite"),
    "a missing value": (with_field(7, b"NA"), "column 7 is not a number: 'NA'"),
    "null": (with_field(7, b"null"), "column 7 is not a number: 'null'"),
    "true": (with_field(1, b"true"), "column 1 is not a number: 'true'"),
    "too large for float32": (with_field(8, b"1e39"), "column 8 does not fit float32: '1e39'"),
    "too large for float64": (with_field(8, b"-1e999"), "column 8 does not fit float32"),
    "label 2": (with_field(1, b"2"), "column 1, the label, is '2'; it must be 0 or 1"),
    "label 0.5": (with_field(1, b"5e-1"), "column 1, the label, is '5e-1'"),
    "label -1": (with_field(1, b"-1.0"), "column 1, the label, is '-1.0'"),
    "an empty line": (b"", "the line is empty"),
    "a blank line": (b" \t ", "the line is empty"),
    "a quoted number": (with_field(6, b'"1.0"'), "column 6 is not a number: '\"1.0\"'"),
    "a quote never closed": (with_field(6, b'"1.0'), "column 6 is not a number"),
    "a whole line in quotes": (b'"' + ORDINARY + b'"', "column 1 is not a number"),
    "a comment": (b"# " + ORDINARY, "column 1 is not a number"),
    "a byte order mark": (b"\xef\xbb\xbf" + ORDINARY, r"column 1 is not a number: '\xef\xbb\xbf"),
    "a NUL byte": (with_field(9, b"1.0\0"), r"column 9 is not a number: '1.0\x00'"),
    "binary": (bytes(byte for byte in range(256) if byte not in b"\n,"), "1 columns instead of 29"),
    "hexadecimal": (with_field(2, b"0x1p3"), "column 2 is not a number: '0x1p3'"),
    "underscores": (with_field(2, b"1_000"), "column 2 is not a number: '1_000'"),
    "Arabic digits": (with_field(2, "١".encode()), "column 2 is not a number"),
    "two numbers in a field": (with_field(2, b"1.0 2.0"), "column 2 is not a number: '1.0 2.0'"),
    "two minus signs": (with_field(2, b"--1"), "column 2 is not a number: '--1'"),
    "an exponent without digits": (with_field(2, b"1e"), "column 2 is not a number: '1e'"),
    "a lone carriage return": (with_field(15, b"1.0\r2.0"), r"column 15 is not a number: '1.0\r2.0'"),
    "two lines ended by a lone carriage return": (ORDINARY + b"\r" + ORDINARY, "57 columns instead of 29"),
    "Ctrl-Z": (b"\x1a", "1 columns instead of 29"),
    "a long line without a comma": (b"7" * 30_000, "1 columns instead of 29"),
}


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(reader, "BLOCK_BYTES", 65_536)


def refusal(contents, folder, rows=ROWS):
    """The message with which prepare refuses a file; it must leave nothing but the file and the lock."""
    csv = folder / "hostile.csv"
    csv.write_bytes(contents)
    with pytest.raises(ValueError) as caught:
        prepare(csv, folder, rows=rows)
    assert {path.name for path in folder.iterdir()} <= {"hostile.csv", ".prepare.lock"}
    assert str(csv) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", BAD_LINES)
@pytest.mark.parametrize("line", [1, BAD_LINE, ROWS])
def test_a_bad_line_is_named(kind, line, tmp_path):
    bad, message = BAD_LINES[kind]
    contents = b"\n".join([*LINES[: line - 1], bad, *LINES[line:]]) + b"\n"
    refused = refusal(contents if line == 1 else gzip.compress(contents, 1), tmp_path)
    assert f"line {line}: {message}" in refused
    assert len(refused) < 400
    assert ("no header" in refused) == (line == 1)


def test_the_first_of_two_bad_lines_is_named(tmp_path):
    lines = [*LINES[:100], b"junk", *LINES[101:150], b"", *LINES[151:]]
    assert "line 101: 1 columns" in refusal(b"\n".join(lines), tmp_path)


def test_a_header_is_refused(tmp_path):
    names = b",".join(b"column%d" % number for number in range(29))
    assert "line 1: column 1 is not a number: 'column0'; HIGGS files have no header" in refusal(
        b"\n".join([names, *LINES]), tmp_path
    )


def test_an_empty_line_at_the_end(tmp_path):
    assert "line 201: the line is empty" in refusal(b"\n".join(LINES) + b"\n\n", tmp_path)


WHOLE = gzip.compress(b"\n".join(LINES), 1)
DAMAGED = {
    "cut off": (WHOLE[: len(WHOLE) // 2], "is cut off"),
    "cut off in its last bytes": (WHOLE[:-3], "is cut off"),
    "cut off in its header": (WHOLE[:6], "is cut off"),
    "a flipped byte": (WHOLE[:5_000] + bytes([WHOLE[5_000] ^ 255]) + WHOLE[5_001:], ""),
    "a wrong checksum": (WHOLE[:-8] + bytes(4) + WHOLE[-4:], "is damaged"),
    "junk after it": (WHOLE + b"junk" * 10, "is damaged"),
    "random bytes": (np.random.default_rng(0).bytes(100_000), "is a binary file and not text"),
    "one endless line": (b"1.0," * 100_000, "a line of more than 65,536 bytes"),
    "old Macintosh lines": (b"\r".join(LINES) + b"\r", "a line of more than 65,536 bytes"),
    "nothing": (b"", "0 rows instead of 200"),
    "gzip of nothing": (gzip.compress(b""), "0 rows instead of 200"),
}


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.parametrize("rows", [ROWS, None])
def test_a_damaged_file_is_refused(kind, rows, tmp_path):
    contents, message = DAMAGED[kind]
    refused = refusal(contents, tmp_path, rows)
    if rows is not None:
        assert message in refused


@pytest.mark.parametrize("kind", BAD_LINES)
def test_only_the_strict_rules_decide(kind):
    """What the fast parser takes, the strict one takes, with the same values; and it takes no bad line."""
    assert parse_fast(BAD_LINES[kind][0] + b"\n", LAYOUT) is None


@pytest.mark.parametrize("places", [[2], [0, 2], [0, 1]])
@pytest.mark.parametrize(
    "line", ["7,8", "7,8,9,10", "7", "7,8,9,", "", "7,8,9\r", "7\r,8,9\r", "7,8,", " ,8,9"]
)
def test_a_line_is_looked_at_where_it_is_not_read(line, places):
    """polars looks at the columns that it is asked for only, and drops a carriage return at any field's end."""
    layout = Layout(3, places)
    block = f"1,2,3\n{line}\n4,5,6\n".encode()
    strict = parse_strictly(block, layout, Path("x"), 1)
    fields = line.removesuffix("\r").split(",")
    assert bool(strict.problems) == (
        len(fields) != 3 or not all(fields[place].strip(" ").isdigit() for place in places)
    )
    fast = parse_fast(block, layout)
    assert fast is None or (not strict.problems and np.array_equal(fast, strict.x))
    assert fast is not None or strict.problems or "\r," in line


@given(
    st.lists(
        st.tuples(
            st.text("0123456789", max_size=20), st.text("0123456789", max_size=50), st.integers(-60, 50)
        )
    )
)
def test_numbers_are_rounded_once(numbers):
    """Both parsers give the float32 that is nearest to the decimal number, wherever it stands."""
    texts = [f"{whole or 0}.{fraction}e{exponent}" for whole, fraction, exponent in numbers]
    block = "".join(f"{text}\n" for text in texts).encode()
    x = parse_strictly(block, Layout(1, [0]), Path("x"), 1).x[:, 0]
    fast = parse_fast(block, Layout(1, [0])) if texts else x[:, None]
    assert (fast is None) == np.isnan(x).any()
    assert fast is None or np.array_equal(fast[:, 0], x)
    for text, value in zip(texts, x, strict=True):
        if np.isnan(value):
            assert abs(Fraction(text)) >= Fraction(2**128 - 2**103)
            continue
        near = [np.nextafter(value, np.float32(side)) for side in (-np.inf, np.inf)]
        away = [abs(Fraction(float(other)) - Fraction(text)) for other in near if np.isfinite(other)]
        assert abs(Fraction(float(value)) - Fraction(text)) <= min(away)


def test_the_first_bad_line_is_told_where_later_blocks_have_others(tmp_path):
    lines = [*LINES[:100], b"junk", *LINES[101:105], b"more junk", *LINES[106:]] * 3
    assert "line 101: 1 columns" in refusal(b"\n".join(lines) + b"\n", tmp_path, 3 * ROWS)


def test_both_parsers_read_the_same_values():
    rng = np.random.default_rng(7)
    values = rng.normal(size=(500, 29)) * 10.0 ** rng.integers(-50, 38, size=(500, 29))
    values[:, 0] = rng.random(500) < 0.5
    styles = ("{:.18e}", "{:.9g}", "{!r}", " {:.3e}", "{:.0f}")
    text = "".join(
        ",".join(styles[i % 5].format(float(v)) for v in row) + "\n" for i, row in enumerate(values)
    )
    fast = parse_fast(text.encode(), LAYOUT)
    assert fast is not None
    np.testing.assert_array_equal(fast, parse_strictly(text.encode(), LAYOUT, Path("x"), 1).x)
