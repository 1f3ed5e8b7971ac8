"""A graph is drawn with a box for each operation, an arrow for each tensor, and nothing on top of anything."""

from itertools import combinations

import matplotlib.pyplot as plt
import pytest
import tensorflow as tf

from higgs_tutorial.draw import graphs


@pytest.fixture
def operations():
    @tf.function
    def unit_rows(a, b):
        ab = tf.matmul(a, b)
        return ab / tf.sqrt(tf.reduce_sum(tf.square(ab), axis=1, keepdims=True))

    signature = tf.TensorSpec([4, 3]), tf.TensorSpec([3, 2])
    return unit_rows.get_concrete_function(*signature).graph.get_operations()


@pytest.fixture
def ax():
    fig, ax = plt.subplots(figsize=(8, 6))
    yield ax
    plt.close(fig)


def test_every_operation_is_below_its_inputs(operations):
    places, ways = graphs.arrange(operations)
    for operation in operations:
        for tensor in operation.inputs:
            assert places[tensor.op.name][1] > places[operation.name][1]
    assert len(ways) == sum(len(operation.inputs) for operation in operations)
    for _, way in ways:  # one row at a time: a longer way has waypoints
        assert [places[name][1] - places[way[0]][1] for name in way] == [-i for i in range(len(way))]


def test_no_two_in_a_row_are_closer_than_a_box(operations):
    places, _ = graphs.arrange(operations)
    boxes = {operation.name for operation in operations}
    for one, other in combinations(places, 2):
        if places[one][1] == places[other][1]:
            least = ((one in boxes) + (other in boxes) + 2) / 4
            assert abs(places[one][0] - places[other][0]) >= least - 1e-9


def test_boxes_and_arrows_say_names_and_shapes(operations, ax):
    graphs.graph(ax, operations, "a title", colour=lambda op: "red" if op.type == "MatMul" else "white")
    texts = [text.get_text() for text in ax.texts if text.get_text()]
    assert ax.get_title() == "a title"
    assert {"MatMul", "a\nPlaceholder", "truediv\nRealDiv"} <= set(texts)
    assert {"4 × 3", "3 × 2", "4 × 2", "4 × 1", "scalar"} <= set(texts)
    (box,) = [text.get_bbox_patch() for text in ax.texts if text.get_text() == "MatMul"]
    assert box.get_facecolor() == (1, 0, 0, 1)


def test_operations_that_are_left_out_leave_no_arrow(operations, ax):
    graphs.graph(ax, [op for op in operations if op.type != "Const"], "", shapes=False)
    texts = [text.get_text() for text in ax.texts if text.get_text()]
    assert len(texts) == sum(op.type != "Const" for op in operations)
    assert not any("Const" in text for text in texts)


def test_a_timeline_has_a_bar_for_each(ax):
    intervals = {"one": (0.0, 2.0), "two": (1.0, 4.5)}
    graphs.timeline(ax, intervals, {"one": "red", "two": "blue"}, "when")
    assert [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches] == [(0, 2), (1, 4.5)]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "two"]
    assert ax.yaxis_inverted()
