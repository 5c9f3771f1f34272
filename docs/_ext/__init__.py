"""Sphinx extension of this site: it writes pages from facts, docstrings and executed code.

These pages go to ``docs/_generated``, which is not in the repository. Nothing here needs a network.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from docs._ext import commands, data_flow, data_sets, landing, notebooks, reference
from docs._ext.cells import execute
from docs._ext.written import Pages
from medmnist_np.testing import fake_datasets

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

# Pages whose Python code is executed, and the made-up sets for them, with the counts of BreastMNIST.
EXECUTED = {"tutorial": ("breastmnist",)}
N_SAMPLES = {"train": 546, "val": 78, "test": 156}


def make_pages(app: Sphinx) -> None:
    """Write all generated pages."""
    with Pages(Path(app.srcdir) / "_generated") as pages:
        landing.write(pages)
        data_flow.write(pages)
        reference.write(pages)
        commands.write(pages)
        data_sets.write(pages)
        notebooks.write(pages)


def run_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Insert the output of a page's code below it."""
    if docname not in EXECUTED:
        return
    with tempfile.TemporaryDirectory() as folder, fake_datasets(folder, *EXECUTED[docname], n_samples=N_SAMPLES):
        executed = execute(source[0], Path(folder))
    pictures = Path(app.srcdir) / "_generated" / "pictures"
    source[0] = executed.markdown(pictures, f"/_generated/pictures/{docname}")


def find_name(app: Sphinx, env: BuildEnvironment, node: Element, text: Element) -> Element | None:
    """Resolve short names in docstrings. Names that exist but are not public are shown without a link."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    full = reference.full_name(target)
    python = env.domains.python_domain
    found = python.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], full, node, text)
    return found or (text if reference.exists(target) else None)


def unlink_attributes(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Show attributes as text: numpydoc links them without their class, and several classes may have the name."""
    lines[:] = [re.sub(r":obj:`(\w+) <\.\1>`", r"\1", line) for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", make_pages)
    app.connect("source-read", run_page)
    app.connect("missing-reference", find_name)
    app.connect("autodoc-process-docstring", unlink_attributes, priority=600)  # after numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
