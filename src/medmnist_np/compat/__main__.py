"""``python -m medmnist_np.compat``: the commands of ``python -m medmnist``, and programs that import ``medmnist``.

python -m medmnist_np.compat download --size=64 --root=data
python -m medmnist_np.compat evaluate "results/breastmnist_test_[AUC]0.901_[ACC]0.863@1.csv"
python -m medmnist_np.compat train.py --epochs 3
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from medmnist_np import compat
from medmnist_np.compat.info import DEFAULT_ROOT, INFO, __version__
from medmnist_np.errors import MedMNISTError


def available() -> None:
    """List all available data sets."""
    print(f"MedMNIST v{__version__} @ {compat.HOMEPAGE}")
    print("All available datasets:")
    for flag, facts in INFO.items():
        sizes = "28 (default), 64, 128, 224" if flag.endswith("mnist") else "28 (default), 64"
        print(f"\t{flag:<15} | {facts['python_class']:<15} | Size: {sizes}.")


def download(size: Any = None, root: str = DEFAULT_ROOT) -> None:
    """Download all data sets of a size (default: 28), or of all sizes (``--size=all``), into a folder."""
    sizes = {None: [28], "all": [28, 64, 128, 224]}.get(size, [size])
    if not set(sizes) <= {28, 64, 128, 224}:
        raise ValueError(f"Invalid size {size}. Available: 28, 64, 128, 224, all.")
    for one in sizes:
        for flag, facts in INFO.items():
            kind = getattr(compat, facts["python_class"])
            row = f"{flag:<15} | {facts['python_class']:<15}"
            if one in kind.available_sizes:
                print(f"Downloading {row} | Size: {one}")
                kind(split="train", download=True, root=root, size=one)
            else:
                print(f"Size {one} not avaiable for {row}")  # as the official program spells it


def clean(root: str = DEFAULT_ROOT) -> None:
    """Delete the downloaded archives of a folder. Unpacked arrays stay in the cache: see ``medmnist-np clean``."""
    for path in Path(root).glob("*mnist*.npz"):
        path.unlink()


def info(flag: str) -> None:
    """Print the facts about a data set as JSON."""
    print(json.dumps(INFO[flag], indent=4))


def save(
    flag: str, folder: str, postfix: str = "png", root: str = DEFAULT_ROOT, download: bool = False, size: Any = None
) -> None:
    """Write all images of a data set to files, with the table for Google AutoML Vision."""
    for split in ("train", "val", "test"):
        print(f"Saving {flag} {split}...")
        kind = getattr(compat, INFO[flag]["python_class"])
        kind(split=split, download=download, root=root, size=size).save(folder, postfix)


def evaluate(path: str) -> None:
    """Evaluate a file of scores, whose name gives data set and split, and print the metrics."""
    compat.Evaluator.parse_and_evaluate(path)


COMMANDS: dict[str, Callable[..., None]] = {
    command.__name__: command for command in (available, download, clean, info, save, evaluate)
}


def main(arguments: Sequence[str]) -> None:
    """Run a command of the official program, or a program that imports ``medmnist``."""
    first, *others = arguments or ["--help"]
    if first in COMMANDS:
        if "--help" in others or "-h" in others:
            sys.exit(inspect.getdoc(COMMANDS[first]))
        try:
            values = parsed(COMMANDS[first], others)
        except ValueError as error:
            print(f"{error}\n\n{_usage(COMMANDS[first])}", file=sys.stderr)
            sys.exit(2)
        try:
            COMMANDS[first](**values)
        except (MedMNISTError, ValueError, KeyError, OSError) as error:
            sys.exit(f"{type(error).__name__}: {error}")
    elif first in ("--help", "-h"):
        print(f"{__doc__}\nCommands:\n")
        for command in COMMANDS.values():
            print(f"  {_usage(command)}\n      {(inspect.getdoc(command) or '').partition('.')[0]}.")
    else:
        run(first, others)


def parsed(command: Callable[..., None], arguments: Sequence[str]) -> dict[str, Any]:
    """Return the values of a command's parameters: ``VALUE``, ``--name=VALUE``, ``--name VALUE`` or ``--name``.

    The first letter is enough, as in ``-s 64``, if no other parameter starts with it.
    """
    names = list(inspect.signature(command).parameters)
    required = [name for name, one in inspect.signature(command).parameters.items() if one.default is one.empty]
    values: dict[str, Any] = {}
    left = list(arguments)
    while left:
        name, found, value = left.pop(0).partition("=")
        if not name.startswith("-"):
            open_names = [one for one in names if one not in values]
            if not open_names:
                raise ValueError(f"{name!r} is one argument too many.")
            values[open_names[0]] = _value(name + found + value)
            continue
        option, name = name, name.lstrip("-").replace("-", "_")
        if len(name) == 1 and len(meant := [one for one in names if one[0] == name]) == 1:
            name = meant[0]
        if name not in names:
            raise ValueError(f"Unknown option {option}. Available: {', '.join(f'--{one}' for one in names)}.")
        if found:
            values[name] = _value(value)
        else:
            values[name] = _value(left.pop(0)) if left and not left[0].startswith("-") else True
    if missing := [name for name in required if name not in values]:
        raise ValueError(f"{missing[0]} is missing.")
    return values


def _value(text: str) -> Any:
    """Return a number, truth value or None that is written as in Python; any other text as it is."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, (int, float, bool, str)) or value is None else text


def _usage(command: Callable[..., None]) -> str:
    parameters = inspect.signature(command).parameters.values()
    words = [one.name.upper() if one.default is one.empty else f"[--{one.name}={one.default}]" for one in parameters]
    return " ".join([command.__name__, *words])


def run(program: str, arguments: Sequence[str]) -> None:
    """Run a file, or with ``-m`` a module, that imports ``medmnist``, as Python itself runs it."""
    compat.install()
    if program == "-m":
        if not arguments:
            sys.exit("-m needs the name of a module.")
        sys.argv = list(arguments)
        sys.path.insert(0, os.getcwd())  # noqa: PTH109  # sys.path has text
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        return
    if not Path(program).exists():
        sys.exit(f"There is no file {program!r}, and no such command. Commands: {', '.join(COMMANDS)}.")
    sys.argv = [program, *arguments]
    sys.path.insert(0, str(Path(program).resolve().parent))
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
