"""Sphinx: Markdown pages and a reference made from the docstrings. Builds without network."""

from __future__ import annotations

import medmnist_np

project = "medmnist-np"
author = "medmnist-np contributors"
copyright = "2026, medmnist-np contributors"  # noqa: A001 - Sphinx reads this name
release = version = medmnist_np.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]
nitpicky = False

html_theme = "furo"
html_title = f"medmnist-np {release}"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc's sections give types, shapes and units
numpydoc_show_class_members = False
myst_heading_anchors = 3
