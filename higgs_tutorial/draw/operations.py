"""Notebook 02: images side by side, a sparse matrix, and who works when in a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from higgs_tutorial.plots import OKABE_ITO


def images(fig: Figure, pictures: Mapping[str, Any], *, columns: int = 3, signed: Sequence[str] = ()) -> None:
    """Draw pictures side by side, all of them on one scale, so that equal numbers look alike.

    Args:
        fig: an empty figure.
        pictures: for each title an array ``[rows, columns, 3]`` of colours or ``[rows, columns, 1]``, of numbers
            from 0 (black) to 1 (white).
        columns: how many stand in a row.
        signed: the titles of those whose numbers go from -1 (orange) by 0 (white) to 1 (violet).
    """
    lines = -(-len(pictures) // columns)
    axes = fig.subplots(lines, columns, squeeze=False)
    for ax, (name, picture) in zip(axes.flat, pictures.items(), strict=False):
        picture = np.asarray(picture)
        if picture.shape[-1] == 1:
            picture = picture[..., 0]
        scale = {"cmap": "PuOr", "vmin": -1} if name in signed else {"cmap": "gray", "vmin": 0}
        ax.imshow(np.clip(picture, scale["vmin"], 1), vmax=1, **scale)
        ax.locator_params(integer=True, nbins=5)
        ax.set_title(name, fontsize=11)
        ax.grid(visible=False)
    for ax in axes.flat[len(pictures) :]:
        ax.axis("off")
    fig.supxlabel("column (pixels)", fontsize=12)
    fig.supylabel("row (pixels)", fontsize=12)


def sparse(fig: Figure, dense: Any, indices: Any, values: Any) -> None:
    """Draw a sparse matrix twice: as a table with its zeros, and as the three tensors that hold it.

    Args:
        fig: an empty figure.
        dense: ``[rows, columns]``.
        indices: ``[n, 2]``, where it isn't zero.
        values: ``[n]``, what stands there.
    """
    dense, indices, values = np.asarray(dense), np.asarray(indices), np.asarray(values)
    matrix, listed = fig.subplots(1, 2, width_ratios=[1.5, 1])
    matrix.imshow(dense, cmap="Blues", vmin=0, vmax=2 * dense.max())
    for (row, column), value in zip(indices, values, strict=True):
        matrix.text(column, row, f"{value:g}", ha="center", va="center", fontsize=13)
    matrix.set(title="as a dense matrix", xlabel="column", ylabel="row", yticks=range(len(dense)))
    matrix.grid(visible=False)
    listed.axis("off")
    listed.set_title("as three tensors")
    rows = (f"[{row}, {column}]    {value:g}" for (row, column), value in zip(indices, values, strict=True))
    text = "\n".join(["indices   values", *rows, "", f"shape     {dense.shape}"])
    listed.text(0.1, 0.85, text, family="monospace", fontsize=13, va="top", linespacing=1.6)


def overlap(ax: Axes, intervals: Mapping[str, Sequence[tuple[float, float]]], title: str) -> None:
    """Draw who worked when: a row for each worker, a bar for each piece of work, with its number.

    Args:
        ax: where to draw.
        intervals: for each worker the begin and end of each piece, in ms.
        title: the title.
    """
    for row, (pieces, colour) in enumerate(zip(intervals.values(), OKABE_ITO[4:], strict=False)):
        for number, (begin, end) in enumerate(pieces):
            ax.barh(row, end - begin, left=begin, height=0.7, color=colour, edgecolor="black")
            ax.text((begin + end) / 2, row, str(number), ha="center", va="center", fontsize=9)
    ax.set_yticks(range(len(intervals)), list(intervals))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_title(title, fontsize=12)
