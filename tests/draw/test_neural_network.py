"""The network drawn with its numbers has those that the network computes."""

import matplotlib.pyplot as plt
import numpy as np

from higgs_tutorial import NeuralNetwork
from higgs_tutorial.draw import neural_network
from higgs_tutorial.plots import BACKGROUND, SIGNAL


def test_the_numbers_are_the_network_s():
    model = NeuralNetwork(size=4, seed=3)
    event = np.float32([[0.8, 1.3]])
    logit = model(event, training=False).numpy().item()
    linear, last = model.linears[0], model.regression
    hidden = linear(event).numpy()[0]
    layers = (linear.w.numpy(), linear.b.numpy()), (last.w.numpy(), last.b.numpy())
    (axes,) = neural_network.with_numbers(*layers, event[0], ["m_bb", "m_wwbb"]).axes
    texts = [text.get_text() for text in axes.texts]
    numbers = [*event[0], *hidden, *np.maximum(hidden, 0), logit, 1 / (1 + np.exp(-logit))]
    for number in numbers:
        assert f"{number:.2f}" in texts
    for weight in (*linear.w.numpy().ravel(), *last.w.numpy().ravel()):
        assert f"{weight:+.2f}" in texts
    assert {"m_bb", "m_wwbb"} <= set(texts)
    colours = [line.get_color() for line in axes.lines]
    signs = np.concatenate([linear.w.numpy().ravel(), last.w.numpy().ravel()]) > 0
    assert colours == [SIGNAL if positive else BACKGROUND for positive in signs]
    plt.close("all")
