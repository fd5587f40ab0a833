"""A fuzzer reads the API's own description and sends whatever it allows, and what it does not."""

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings

from tests.factories import make_category, make_concept, make_finding, make_red_flag

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def api_schema():
    # A server closes its connection after each request; the tests' data lives in an open transaction of it.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def guide():
    concept = make_concept(aliases=["essence"])
    make_finding(concept=concept)
    make_category(ingredients=[concept])
    make_red_flag(wordings=["guaranteed"])


def test_every_answer_is_one_that_the_description_promises(guide, api_schema):
    tried = 0
    for operation in api_schema.get_all_operations():

        @settings(
            max_examples=40,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.ok().as_strategy())
        def send(case):
            cache.clear()  # the limit of requests a minute has a test of its own
            case.call_and_validate(headers={"Accept-Encoding": "identity"})

        send()
        tried += 1
    assert tried == 6
