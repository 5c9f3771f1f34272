"""The version, in a module that every package can import without a cycle."""

__version__ = "0.1.0"
