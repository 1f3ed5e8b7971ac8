"""A slider over a picture, where a notebook runs; elsewhere the picture alone.

One output holds both: a front end with ipywidgets and a kernel shows the slider, others (GitHub, the site, a machine
without ipywidgets) the picture at the slider's first place.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

WIDGET = "application/vnd.jupyter.widget-view+json"


def slider(
    draw: Callable[[Figure, float], None],
    name: str,
    values: Sequence[float],
    start: float,
    figsize: tuple[float, float] = (7, 4),
) -> None:
    """Show what `draw` draws for one of the values, with a slider to choose another.

    Args:
        draw: draws the picture for a value on an empty figure.
        name: of the value, beside the slider.
        values: where the slider can stand.
        start: where it stands first.
        figsize: of the picture, in inches.

    Raises:
        ValueError: where `start` is none of the values.
    """
    from IPython.display import display

    places = [float(value) for value in values]
    if float(start) not in places:
        raise ValueError(f"the slider cannot start at {start}: its values are {places}")

    def picture(value: float) -> bytes:
        fig = Figure(figsize=figsize, layout="constrained")
        draw(fig, value)
        file = io.BytesIO()
        fig.savefig(file, format="png")
        return file.getvalue()

    first = picture(float(start))
    bundle = {"image/png": first, "text/plain": f"<{name}: {start:g}>"}
    display({**bundle, **_widget(picture, name, places, float(start), first)}, raw=True)


def _widget(
    picture: Callable[[float], bytes], name: str, values: list[float], start: float, first: bytes
) -> dict[str, dict]:
    """The slider above its picture as what a front end with ipywidgets shows; nothing without ipywidgets."""
    try:
        import ipywidgets
    except ImportError:
        return {}
    shown = ipywidgets.Image(value=first, format="png", layout=ipywidgets.Layout(max_width="100%"))
    choice = ipywidgets.SelectionSlider(
        options=[(f"{value:g}", value) for value in values],
        value=start,
        description=name,
        continuous_update=False,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="95%"),
    )
    choice.observe(lambda change: setattr(shown, "value", picture(change["new"])), names="value")
    model = ipywidgets.VBox([choice, shown])
    return {WIDGET: {"version_major": 2, "version_minor": 0, "model_id": model.model_id}}
