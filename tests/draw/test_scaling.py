"""The pictures of notebook 13: every arrow goes from a box to a box, and every number is where it belongs."""

import matplotlib.pyplot as plt
import pytest

from higgs_tutorial.draw import scaling


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def test_every_arrow_ends_at_a_box(ax):
    scaling.step_on_two_devices(ax, batch_size=100)
    boxes = {text.get_position(): text.get_text() for text in ax.texts if text.get_bbox_patch()}
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
    ways = [(boxes[tuple(arrow.get_position())], boxes[tuple(arrow.xy)]) for arrow in arrows]
    assert len(ways) == len(set(ways)) + 1  # each of the two gradients has the same name
    assert [end for start, end in ways if start == "sum"] == [
        "device 0\nits copy of\nthe network",
        "device 1\nits copy of\nthe network",
    ]
    assert {"events\n0 … 49", "events\n50 … 99"} <= {start for start, _ in ways}


def test_epoch_times(ax):
    scaling.epoch_times(ax, [1, 2, 4], {"free": [4, 2, 1]}, {"one": (1, 4.0), "two": (2, 9.0)})
    line, one, two = ax.lines
    assert line.get_xydata().tolist() == [[1, 4], [2, 2], [4, 1]]
    assert [point.get_xydata().tolist() for point in (one, two)] == [[[1, 4]], [[2, 9]]]
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["model: free", "measured: one", "measured: two"]
