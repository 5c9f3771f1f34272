"""Plain data in, one self-contained HTML page out.

A page opens from a file: it loads nothing and runs no script. Text that comes from files and names is escaped.
"""

from medmnist_np.reports.evaluation_page import evaluation_page
from medmnist_np.reports.evaluation_sections import Measured
from medmnist_np.reports.page import check_page_path, write_page

__all__ = ["Measured", "check_page_path", "evaluation_page", "write_page"]
