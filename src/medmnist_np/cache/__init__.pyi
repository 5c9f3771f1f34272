from .archive_pooch import pooch

__all__ = ["pooch"]
