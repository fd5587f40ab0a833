"""Writes the table of settings in README anew, from the one at the head of `config/settings.py`: what `make settings` runs."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
IN_README = re.compile(r"^\| variable \|.*?\n(?=\n)", re.MULTILINE | re.DOTALL)


def rows() -> list[list[str]]:
    """The cells of each row, the two lines at the head left out."""
    said = ast.get_docstring(ast.parse((ROOT / "config/settings.py").read_text())) or ""
    lines = [line for line in said.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def names() -> set[str]:
    """Every environment variable in the table."""
    return {name for row in rows() for name in row[0].split(", ")}


def table() -> str:
    """The table as it stands in README: names as code."""
    lines = ["| variable | meaning | without it |", "|---|---|---|"]
    for row in rows():
        called = ", ".join(f"`{name}`" for name in row[0].split(", "))
        cells = [re.sub(r"\b[A-Z]+_[A-Z_]+\b", r"`\g<0>`", cell) for cell in row[1:]]
        lines.append(f"| {' | '.join([called, *cells])} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    README.write_text(IN_README.sub(lambda _: table(), README.read_text(), count=1))
