"""What a database says when it refuses a row."""

import re
from contextlib import contextmanager

import pytest
from django.db import IntegrityError, connection, transaction


@contextmanager
def refused_by(name, columns=""):
    """The database refuses what happens inside, by the constraint of that name.

    SQLite names the `columns` of a plain unique constraint instead, as in `table.one, table.other`.
    """
    said = columns if columns and connection.vendor == "sqlite" else name
    with pytest.raises(IntegrityError, match=re.escape(said)), transaction.atomic():
        yield
