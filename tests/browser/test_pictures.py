"""The words inside the drawings: large enough and whole on a narrow screen and a wide one."""

import pytest

from tests.factories import make_category, make_concept, make_regulation

# Those of the drawings' words that are under 11 px or reach outside their drawing.
SMALL_OR_CUT = """() => [...document.querySelectorAll('.drawing text')].filter(text => {
    const size = parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a;
    const inner = text.getBoundingClientRect(), outer = text.closest('svg').getBoundingClientRect();
    return size < 11 || inner.left < outer.left || inner.right > outer.right
        || inner.top < outer.top || inner.bottom > outer.bottom;
}).map(text => text.textContent)"""


@pytest.mark.parametrize("width", [320, 1280])
def test_no_word_in_a_drawing_is_tiny_or_cut_off(page, width):
    category = make_category(slug="prp-hair")
    make_regulation(category=category, jurisdiction="EU", since="2010-11-30", status="restricted")
    addresses = [category.get_absolute_url()]
    addresses += [make_concept(slug=slug).get_absolute_url() for slug in ("exosomes", "skin-barrier", "cytokines")]
    page.set_viewport_size({"width": width, "height": 800})
    for address in addresses:
        page.goto(address)
        assert page.locator(".drawing text").count()
        assert page.evaluate(SMALL_OR_CUT) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
