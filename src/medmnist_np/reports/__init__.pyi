from .card_page import card
from .evaluation_page import cached_images, report
from .page import check_page_path, write_page

__all__ = ["cached_images", "card", "check_page_path", "report", "write_page"]
