"""Self-contained HTML pages about an evaluation, a data set, an audit or robustness.

A page opens from a file and loads nothing. Only the card of a volume set has a script, which moves the sliders of its
slices. Text from files and names is escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medmnist_np._lazy import attach

if TYPE_CHECKING:
    from medmnist_np.reports.card_page import card as card
    from medmnist_np.reports.evaluation_page import cached_images as cached_images
    from medmnist_np.reports.evaluation_page import report as report
    from medmnist_np.reports.page import check_page_path as check_page_path
    from medmnist_np.reports.page import write_page as write_page

__all__ = ["cached_images", "card", "check_page_path", "report", "write_page"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "card_page": ["card"],
        "evaluation_page": ["cached_images", "report"],
        "page": ["check_page_path", "write_page"],
    },
)
