"""Every figure that the notebooks and the command line draw: one palette and one style.

The colours are Okabe and Ito's, which readers with any of the common colour vision deficiencies can tell
apart (M. Okabe, K. Ito, "Color Universal Design", 2008).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
SIGNAL, BACKGROUND, NEUTRAL = "#D55E00", "#0072B2", "#666666"

STYLE = {
    "figure.figsize": (8.0, 4.5),
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "axes.prop_cycle": mpl.cycler(color=OKABE_ITO),
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 13,
    "axes.labelsize": 12,
    "grid.color": "#dddddd",
    "font.size": 11,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "image.cmap": "viridis",
}


def use_style() -> None:
    """Set the project's figure style for the rest of the session (what a notebook's first cell calls)."""
    mpl.rcParams.update(STYLE)


@contextmanager
def style() -> Iterator[None]:
    """Draw one figure in the project's style and leave the caller's settings as they were."""
    with mpl.rc_context(STYLE):
        yield
