"""Data sets of your own: ``build`` and ``register``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from medmnist_np.cli.output import json_option, n_processors, say, say_json, say_lines, workers_option

# Of images that were left out; JSON lists all.
_NAMED = 10

Number = TypeVar("Number", int, float)


@click.command
@click.argument("source", type=click.Path(exists=True))
@click.option("--name", required=True, metavar="NAME", help="What to call the set: lower-case letters, digits and '-'.")
@click.option("--sizes", default="28", metavar="28,64,...", help="Pixels or voxels along each axis. Default: 28.")
@click.option("--labels", type=click.Path(exists=True, dir_okay=False), metavar="CSV", help="Labels of a folder.")
@click.option(
    "--label", "columns", multiple=True, metavar="COLUMN", help="Column with the class; several: 0 or 1 each."
)
@click.option("--group-by", metavar="COLUMN", help="Column with what is never divided, as patients.")
@click.option("--classes", metavar="A,B,...", help="Names of the classes in the order of their numbers.")
@click.option("--task", metavar="TASK", help="ordinal-regression, if the order of the classes means something.")
@click.option("--split", "ratio", metavar="7:1:2", help="Sizes of train, val and test. Default: 7:1:2.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, metavar="N", help="Of the division. Default: 0.")
@click.option("--recipe", metavar="crop|squeeze|NAME", help="How images become square: as octmnist, for example.")
@click.option("--window", metavar="LOW:HIGH", help="Values that become 0 and 255.")
@click.option("--description", metavar="TEXT", default="", help="For the record.")
@click.option("--modality", metavar="TEXT", default="", help="For the record.")
@click.option("--license", metavar="TEXT", default="", help="For the record.")
@click.option("-o", "--output", type=click.Path(file_okay=False), metavar="DIR", help="What to hand to others.")
@click.option("--skip-bad", is_flag=True, help="Leave images out that cannot be used, and say which.")
@click.option("--slices", is_flag=True, help="A folder of image files is one volume: its slices, by number.")
@workers_option
@json_option
def build(
    source: str,
    name: str,
    sizes: str,
    labels: str | None,
    columns: tuple[str, ...],
    group_by: str | None,
    classes: str | None,
    task: str | None,
    ratio: str | None,
    seed: int,
    recipe: str | None,
    window: str | None,
    description: str,
    modality: str,
    license: str,  # noqa: A002 -- as the field of a record
    output: str | None,
    skip_bad: bool,
    slices: bool,
    workers: int | None,
    as_json: bool,
) -> None:
    """Make a data set of your own images.

    The set has the format of MedMNIST. SOURCE is a folder with a folder for each class (or train, val and test with
    such folders; Training, valid and the like are understood), or a CSV file with the columns image (or file_name),
    label and perhaps split, or a folder that `save --layout csv` has written. For segmentation it is a folder with
    images/ and masks/, whose files have the same names (or train, val and test with such folders), or a CSV file with
    the column mask in place of label.

    Run the same command again to finish an interrupted run. Exit code 2 for wrong usage, 1 if images or labels cannot
    be used.

    \b
      medmnist-np build photos --name lesions --sizes 28,64,224 --recipe crop
      medmnist-np build photos --labels moles.csv --name moles --group-by patient
      medmnist-np build scans.csv --name thorax --window=-160:240 --recipe squeeze
      medmnist-np build polyps --name polyps --classes no,polyp --recipe squeeze
    """
    from medmnist_np._parallel import threads
    from medmnist_np._progress import bars, silent
    from medmnist_np.builder import build as build_set
    from medmnist_np.builder.pipeline import check_choices

    limits = None if window is None else _limits(window)
    pixels = _numbers(sizes, ",", int, "--sizes 28,64,224")
    shares = None if ratio is None else _numbers(ratio, ":", float, "--split 7:1:2")
    texts = {"description": description, "modality": modality, "license": license}
    try:
        check_choices(
            name=name, texts=texts, sizes=pixels, task=task, ratio=shares, recipe=recipe, window=limits, output=output
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with _failing_cleanly(), threads(workers or n_processors()) as executor, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Class .* has no samples")  # the record says so too, and is shown
        built = build_set(
            source,
            name=name,
            labels=labels,
            label=columns or "label",
            group_by=group_by,
            class_names=None if classes is None else [one.strip() for one in classes.split(",")],
            task=task,
            sizes=pixels,
            ratio=shares,
            seed=seed,
            recipe=recipe,
            window=limits,
            description=description,
            modality=modality,
            license=license,
            output=output,
            skip_bad=skip_bad,
            slices=slices,
            executor=executor,
            progress=silent if as_json else bars,
        )
    if not license:
        say("No licence is stated (--license), so nobody knows what may be done with the set.", err=True)
    if as_json:
        skipped = [{"image": where, "reason": reason} for where, reason in built.skipped]
        notes = list(built.record.notes)
        say_json({"name": built.record.name, "folder": str(built.folder), "skipped": skipped, "notes": notes})
        return
    say_lines(repr(built.record))
    for where, reason in built.skipped[:_NAMED]:
        say(f"Left out: {where}: {reason}.", err=True)
    if len(built.skipped) > _NAMED:
        say(f"... and {len(built.skipped) - _NAMED} more; --json lists all.", err=True)
    first = f'mm.load("{built.record.name}", "{built.record.splits[0]}")'
    say(f"Ready: {first}. To hand it to others, see {built.folder}")


@click.command
@click.argument("source", metavar="RECORD")
@click.option("--base-url", metavar="URL", help="Where the archives lie, if not as the record says, or beside it.")
def register(source: str, base_url: str | None) -> None:
    """Make a data set known by its name, from its record.

    RECORD is a .toml file or its web address.

    \b
      medmnist-np register https://lab.example/lesions.toml
      medmnist-np fetch lesions --size all
    """
    from medmnist_np.data.registration import register as register_set

    if not source.startswith(("https://", "http://")) and not Path(source).is_file():
        raise click.UsageError(f"There is no file {source}.")
    record = register_set(source, base_url=base_url)
    say_lines(f"{record!r}\n`medmnist-np fetch {record.name}` brings it here.")


def _limits(window: str) -> tuple[float, float]:
    limits = _numbers(window, ":", float, "--window LOW:HIGH")
    if len(limits) != 2:
        raise click.UsageError(f"--window LOW:HIGH has two numbers, not {window!r}.")
    return limits[0], limits[1]


def _numbers(text: str, separator: str, kind: Callable[[str], Number], form: str) -> list[Number]:
    try:
        return [kind(part) for part in text.split(separator)]
    except ValueError:
        raise click.UsageError(f"{form} is how it is written; {text!r} is not.") from None


@contextmanager
def _failing_cleanly() -> Iterator[None]:
    """Say what is wrong with a source, instead of showing a traceback."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        raise click.ClickException(str(error)) from error
