"""Sphinx settings: Markdown pages, and pages written from code, facts and executed examples. Needs no network."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # docs._ext

import medmnist_np

project = "medmnist-np"
author = "medmnist-np contributors"
copyright = "2026, medmnist-np contributors"  # noqa: A001 - Sphinx reads this name
release = version = medmnist_np.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "sphinx_copybutton", "sphinx_design", "docs._ext"]
exclude_patterns = ["_build", "_ext", "_generated/**/*.ipynb"]
nitpicky = True
# Names of other projects: a link to them would need a network.
nitpick_ignore_regex = [("py:.*", r"(PIL|numpy)\..*"), ("py:obj", "errno|filename"), ("py:meth", "filter")]

html_theme = "pydata_sphinx_theme"
html_title = f"medmnist-np {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {"index": [], "install": [], "tutorial": []}
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "medmnist-np"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc's sections give types, shapes and units
numpydoc_show_class_members = False
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
copybutton_prompt_text = r">>> |\.\.\. |\$ "  # prompts are not copied, nor are outputs
copybutton_prompt_is_regexp = True
