"""The front page: what this is, the climb at the talk's size, three doors, and a card for each notebook."""

from __future__ import annotations

import base64
import io
import json
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
from notebook_pages import Lesson, colab, picture_text
from PIL import Image

from higgs_tutorial.cli.deck import deck
from higgs_tutorial.plots import is_cut_short
from higgs_tutorial.safe_text import in_markdown

SLIDES = "00"  # number of the notebook that is given as slides, when there is one
DECK = "slides.html"  # what is made of it
CARDS = "_cards"  # where the cards' pictures are laid
WIDTH = 640  # pixels of such a picture
SHAPES = (1.2, 2.4)  # width over height
SHARED = (1200, 630)  # pixels of the picture by which a link is shared
COLOURFUL = 80  # of 255: the saturation from which a pixel counts as coloured


def front_page(text: str, readme: str, lessons: list[Lesson], repository: str, results: dict) -> str:
    """Return docs/index.md with its marks filled.

    Args:
        text: docs/index.md.
        readme: the README, whose command for the ladder is the door that runs it.
        lessons: the notebooks.
        repository: its address, which Colab opens notebooks from.
        results: the run whose picture is shown.

    """
    parts = {
        "caption": caption(results),
        "picture text": picture_alt(results),
        "first lesson": f"{next(lesson.page for lesson in lessons if lesson.number != SLIDES)}.ipynb",
        "two lines": two_lines(readme),
        "third door": third_door(lessons),
        "cards": "\n\n".join(card(lesson, repository) for lesson in lessons),
    }
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", part)
    return text


def caption(results: dict) -> str:
    """Return what the picture of a run shows, with its size."""
    last = results["rungs"][-1]
    return (
        f"Validation ROC AUC of {len(results['rungs'])} rungs trained on {results['events']['train']:,} "
        f"{in_markdown(results['data'])}, beside the talk's on as many of HIGGS. The last one here, "
        f"`{last['name']}`, has {last['valid_auc']:.3f}; the talk's, on HIGGS, {max(last['talk']['valid_auc']):.3f}."
    )


def picture_alt(results: dict) -> str:
    """Return the picture's text for those who do not see it."""
    aucs = ", ".join(
        f"{rung['name']} {rung['valid_auc']:.3f}"
        + (f" after {len(rung['epochs'])} epochs" if is_cut_short(results, rung) else "")
        for rung in results["rungs"]
    )
    return in_markdown(f"The ladder at the talk's size, validation AUC here: {aucs}".replace("\n", " "))


def two_lines(readme: str) -> str:
    """Return the README's command for the ladder, as a line that installs and a line that runs."""
    (command,) = re.findall(r"<!-- ladder command -->\s*```console\n\$ (.+?)\n```", readme)
    install, run = command.rsplit(" && ", 1)
    return f"```console\n$ {install}\n$ {run}\n```"


def third_door(lessons: list[Lesson]) -> str:
    """Return the door to the slides or, where there is no notebook of slides, to the code."""
    if lessons[0].number == SLIDES:
        return (
            f':::{{grid-item-card}} {{octicon}}`device-desktop` <a href="{DECK}">Give the talk as slides</a>\n'
            f"With notes for who gives it, from [a notebook]({lessons[0].page}.ipynb) that runs; "
            "`higgs-tutorial slides` writes them as one file.\n:::"
        )
    return (
        ":::{grid-item-card} {octicon}`code` [Use it in your code](README.md#use-it-in-your-own-code)\n"
        "Networks, training and simulated events as a small package, with a scikit-learn estimator.\n:::"
    )


def write_deck(lessons: list[Lesson], site: Path) -> None:
    """Write the slides into the built site, where their links lead to its pages."""
    if lessons[0].number == SLIDES:
        text = deck(lessons[0].file, lambda name: f"notebooks/{name}.html")
        (site / DECK).write_text(text, encoding="utf-8")


def card(lesson: Lesson, repository: str) -> str:
    """Return a notebook's card."""
    title = in_markdown(lesson.title.split(":")[0])
    lines = [f"::::{{grid-item-card}} [{lesson.number} {title}]({lesson.page}.ipynb)", ":class-card: lesson"]
    if picture := card_picture(lesson):
        lines += [f":img-top: {CARDS}/{lesson.number}.png", f":img-alt: {picture[1]}"]
    lines += ["", in_markdown(lesson.about), ""]
    foot = [f"{{octicon}}`clock` {in_markdown(lesson.time)}"] if lesson.time else []
    if address := colab(repository, lesson):
        foot.append(f"[Colab]({address})")
    return "\n".join([*lines, ":::{div} card-foot", *foot, ":::", "::::"])


@lru_cache
def card_picture(lesson: Lesson) -> tuple[bytes, str] | None:
    """Return a notebook's most colourful picture of a card's shape, as PNG, and its text; None if it has none.

    A cell whose metadata have `card: true` is taken instead.

    """
    found = []
    for cell in json.loads(lesson.file.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if png := output.get("data", {}).get("image/png"):
                picture = Image.open(io.BytesIO(base64.b64decode("".join(png)))).convert("RGB")
                found.append((_rank(picture, cell), len(found), picture, cell))
    if not found:
        return None
    _, _, picture, cell = max(found, key=lambda item: item[:2])
    picture.thumbnail((WIDTH, WIDTH))
    buffer = io.BytesIO()
    picture.quantize(64).save(buffer, "png", optimize=True)
    alt = cell["metadata"].get("alt") or picture_text("".join(cell["source"]), lesson.title)
    return buffer.getvalue(), " ".join(alt.split())


def _rank(picture: Image.Image, cell: dict) -> tuple[bool, bool, float]:
    coloured = float((np.asarray(picture.convert("HSV"))[..., 1] > COLOURFUL).mean())
    fits = SHAPES[0] <= picture.width / picture.height <= SHAPES[1]
    return bool(cell["metadata"].get("card")), fits, coloured


def write_card_pictures(lessons: list[Lesson], source: Path) -> None:
    """Lay the cards' pictures where their page looks for them."""
    (source / CARDS).mkdir(parents=True, exist_ok=True)
    for lesson in lessons:
        if picture := card_picture(lesson):
            (source / CARDS / f"{lesson.number}.png").write_bytes(picture[0])


def write_share_picture(picture: Path, target: Path) -> None:
    """Write what other sites show of a link to this one: a picture on white, in the shape that they ask for."""
    shown = Image.open(picture).convert("RGB")
    shown.thumbnail(SHARED)
    ground = Image.new("RGB", SHARED, "white")
    ground.paste(shown, tuple((whole - part) // 2 for whole, part in zip(SHARED, shown.size, strict=True)))
    target.parent.mkdir(parents=True, exist_ok=True)
    ground.save(target, optimize=True)
