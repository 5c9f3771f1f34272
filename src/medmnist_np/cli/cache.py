"""``cache``: where the cache is, and what is in it."""

from __future__ import annotations

import click

from medmnist_np import _files
from medmnist_np.cache import locations, settings
from medmnist_np.cli.options import json_option, root_option
from medmnist_np.cli.output import say, say_json, say_table


@click.command
@root_option
@json_option
def cache(root: str | None, as_json: bool) -> None:
    """Show where the cache is and what is in it.

    \b
      medmnist-np cache
      medmnist-np cache --json
    """
    places = settings.current(root)
    items = locations.contents(places)
    if as_json:
        rows = [{"kind": i.kind, "name": i.name, "path": str(i.path), "bytes": i.bytes} for i in items]
        say_json({"cache": str(places.cache), "free_bytes": _files.free_bytes(places.cache), "items": rows})
        return
    say(f"{places.cache}")
    if items:
        rows_ = [
            [item.kind, item.name, _files.readable(item.bytes), item.path.relative_to(places.cache)] for item in items
        ]
        total = ["", "total", _files.readable(sum(item.bytes for item in items)), ""]
        say_table([*rows_, total], ["kind", "name", "size", "path"], [2])
    else:
        say("The cache is empty.")
    say(f"{_files.readable(_files.free_bytes(places.cache))} free. Set {_files.CACHE_VARIABLE} to use another folder.")
