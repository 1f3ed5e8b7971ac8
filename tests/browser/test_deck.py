"""The talk's deck in a browser, from the file alone: it turns to its last slide, and each slide fits."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from higgs_tutorial.cli import app

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FITS = """() => {
    const slide = Reveal.getCurrentSlide();
    const wide = [...slide.querySelectorAll("pre, table, img")].some(e => e.scrollWidth > e.clientWidth + 1);
    const shown = slide.getBoundingClientRect();
    return slide.scrollHeight <= Reveal.getConfig().height && !wide && shown.height > 20;
}"""


def test_every_slide_fits_and_the_last_one_is_reached(open_page, tmp_path):
    file = tmp_path / "talk.html"
    assert CliRunner().invoke(app, ["slides", "--out", str(file)]).exit_code == 0
    page = open_page(1280, 800)
    page.unroute_all()
    page.context.unroute_all()
    page.context.set_offline(True)
    page.goto(file.as_uri())
    page.wait_for_function("() => window.Reveal && Reveal.isReady()")
    total, seen, crowded = page.evaluate("() => Reveal.getTotalSlides()"), set(), []
    while True:
        heading = page.evaluate("() => Reveal.getCurrentSlide().querySelector('h2, h3').innerText")
        seen.add(tuple(page.evaluate("() => Object.values(Reveal.getIndices()).slice(0, 2)")))
        if not page.evaluate(FITS):
            crowded.append(heading)
        if page.evaluate("() => Reveal.isLastSlide() && !Reveal.availableFragments().next"):
            break
        page.keyboard.press("Space")
    assert crowded == []
    assert len(seen) == total > 40
    assert page.evaluate("() => document.querySelectorAll('aside.notes').length") > 20
