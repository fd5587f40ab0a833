"""The evidence map of the guide as it ships: small enough for a slow line."""

import pytest

pytestmark = pytest.mark.django_db


def test_map_of_the_shipped_guide_stays_light(client, shipped_content):
    response = client.get("/evidence/")
    assert len(response.content) < 120_000
    assert 'class="evidence-map is-grid"' in response.text
    assert len(client.get("/evidence/?view=table").content) < 80_000
    assert len(client.get("/sources/").content) < 80_000
