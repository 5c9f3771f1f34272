"""Execute the Python blocks of a Markdown page; return a page with outputs or a Jupyter notebook."""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medmnist_np.images import Picture

# A link to another page of the site, which a notebook does not have beside it.
_LINK = re.compile(r"\[([^\]]+)\]\(/[^)]*\)")
_BLOCK = re.compile(r"^```python\n(.*?)^```\n", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a page: prose, or code with its printed output and final picture."""

    source: str
    is_code: bool = False
    text: str = ""
    picture: bytes = b""


@dataclass(frozen=True, slots=True)
class Executed:
    """A page after execution."""

    cells: tuple[Cell, ...]

    def markdown(self, pictures: Path, address: str) -> str:
        """Return the page with outputs in MyST Markdown, and write pictures to ``pictures``.

        ``address`` is how the page names a picture, without its number and ending.
        """
        parts = []
        for number, cell in enumerate(self.cells):
            parts.append(f"```python\n{cell.source}\n```\n" if cell.is_code else cell.source)
            if cell.text:
                parts.append(f"```{{code-block}} text\n:class: output\n\n{cell.text}\n```\n")
            if cell.picture:
                file = f"{Path(address).name}-{number}.png"
                pictures.mkdir(parents=True, exist_ok=True)
                (pictures / file).write_bytes(cell.picture)
                source = f"{address}-{number}.png"
                parts.append(f"```{{image}} {source}\n:class: pixels\n:alt: The picture that this code makes.\n```\n")
        return "\n".join(parts)

    def notebook(self) -> str:
        """Return the page as an .ipynb file of format 4.5, outputs included."""
        cells = [_notebook_cell(number, cell) for number, cell in enumerate(self.cells)]
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
        table = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        return json.dumps(table, indent=1, ensure_ascii=False) + "\n"


def split(markdown: str) -> Iterator[Cell]:
    """Yield prose and ```` ```python ```` blocks in order."""
    end = 0
    for block in _BLOCK.finditer(markdown):
        if prose := markdown[end : block.start()].strip():
            yield Cell(prose + "\n")
        yield Cell(block[1].rstrip("\n"), is_code=True)
        end = block.end()
    if prose := markdown[end:].strip():
        yield Cell(prose + "\n")


def execute(markdown: str, folder: Path) -> Executed:
    """Execute the blocks of a page in one namespace, with ``folder`` as the working folder."""
    names: dict[str, Any] = {"__name__": "page"}
    before = Path.cwd()
    os.chdir(folder)
    try:
        return Executed(tuple(_run(cell, names) if cell.is_code else cell for cell in split(markdown)))
    finally:
        os.chdir(before)


def _run(cell: Cell, names: dict[str, Any]) -> Cell:
    """Execute a block like a notebook: return its output, and the value of its last line if that is an expression."""
    tree = ast.parse(cell.source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    value = None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "<page>", "exec"), names)  # noqa: S102 -- our own pages
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "<page>", "eval"), names)  # noqa: S307
    if isinstance(value, Picture):
        picture = base64.b64decode(value.data_uri().partition(",")[2])
        return Cell(cell.source, is_code=True, text=printed.getvalue().rstrip(), picture=picture)
    if value is not None:
        printed.write(repr(value))
    return Cell(cell.source, is_code=True, text=printed.getvalue().rstrip())


def _notebook_cell(number: int, cell: Cell) -> dict[str, Any]:
    source = cell.source.rstrip("\n")
    if not cell.is_code:
        lines = _LINK.sub(r"\1", source).splitlines(keepends=True)
        return {"cell_type": "markdown", "id": f"cell-{number}", "metadata": {}, "source": lines}
    lines = source.splitlines(keepends=True)
    outputs: list[dict[str, Any]] = []
    if cell.text:
        text = (cell.text + "\n").splitlines(keepends=True)
        outputs.append({"name": "stdout", "output_type": "stream", "text": text})
    if cell.picture:
        data = {"image/png": base64.b64encode(cell.picture).decode("ascii"), "text/plain": ["<Picture>"]}
        outputs.append({"data": data, "metadata": {}, "output_type": "display_data"})
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"cell-{number}",
        "metadata": {},
        "outputs": outputs,
        "source": lines,
    }
