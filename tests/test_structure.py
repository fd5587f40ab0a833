"""What may import what: so that the knowledge can live without the products, and both without a deployment."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Who may import whom, and the few ways in that are meant to be.
MAY_IMPORT = {"glossary": {"glossary"}, "products": {"products", "glossary"}}
DOORS = {"config.http", "config.roles"}  # the typed request; the roles that a migration brings up to date
OURS = {"config", "glossary", "products", "tests"}

pytestmark = pytest.mark.one_database


def imported(file):
    """The modules that a file imports anywhere in it, in full."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("app", MAY_IMPORT)
def test_an_app_imports_only_what_it_may(app):
    wrong = []
    for file in (ROOT / app).rglob("*.py"):
        for module in imported(file):
            package = module.partition(".")[0]
            door = ".".join(module.split(".")[:2])
            # Commands that look after the whole site live in the last app, since Django looks for them in apps alone.
            is_for_the_site = file.parent == ROOT / "products/management/commands" and package == "config"
            if package in OURS - MAY_IMPORT[app] and door not in DOORS and not is_for_the_site:
                wrong.append(f"{file.relative_to(ROOT)} imports {module}")
    assert not wrong


def test_nothing_that_is_served_imports_the_tests():
    files = [file for folder in ("config", "glossary", "products") for file in (ROOT / folder).rglob("*.py")]
    assert not [file for file in files for module in imported(file) if module.startswith("tests")]
