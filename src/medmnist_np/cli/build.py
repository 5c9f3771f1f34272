"""``build`` a data set from your own images, and ``register`` one that somebody else built."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from medmnist_np import _files
from medmnist_np.cli.options import json_option, workers_option
from medmnist_np.cli.output import n_processors, say, say_json, say_lines, value_errors, with_options

if TYPE_CHECKING:
    from medmnist_np._progress import Progress
    from medmnist_np.builder import Built, Survey

_NEAR = 5000  # samples of which near duplicates are searched in a few seconds
_NAMED = 10  # files left out that are printed; JSON lists all

# Arguments that are checked before the source is read, with their defaults.
_CHECKED: dict[str, Any] = {"sizes": (28,), **dict.fromkeys(("name", "task", "ratio", "recipe", "window", "output"))}
_CHECKED |= dict.fromkeys(("description", "modality", "license"), "")

Number = TypeVar("Number", int, float)


class _TableOrFolders(click.Path):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == "folders" else super().convert(value, param, ctx)


@click.command
@click.argument("source", type=click.Path(exists=True))
@click.option("--name", metavar="NAME", help="Name: lower-case letters, digits and '-'; default: that of SOURCE.")
@click.option("--dry-run", is_flag=True, help="Show what SOURCE holds and how it can be built, and stop.")
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="N",
    help="Image size in pixels, or several: 28,64; repeatable; default: 28.",
)
@click.option(
    "--labels",
    type=_TableOrFolders(exists=True, dir_okay=False),
    metavar="CSV|folders",
    help="Labels of the images in a folder: a table, or the names of their folders.",
)
@click.option("--image", metavar="COLUMN", help="Column with the image files; default: usual names.")
@click.option(
    "--label",
    multiple=True,
    metavar="COLUMN",
    help="Column with the class; repeatable: 0 or 1 each; default: usual names.",
)
@click.option(
    "--group-by",
    metavar="COLUMN",
    help="Column whose groups are never split, such as patients; default: usual names; '' for none.",
)
@click.option("--split-column", metavar="COLUMN", help="Column with train, val or test; default: usual names.")
@click.option("--group-by-folder", is_flag=True, help="Folders in class folders are groups, such as patients.")
@click.option("--classes", "class_names", metavar="A,B,...", help="Class names in the order of their labels.")
@click.option("--first-label", type=int, default=0, metavar="N", help="Number of the first class; default: 0.")
@click.option("--task", metavar="TASK", help="ordinal-regression if the classes are ordered.")
@click.option("--split", "ratio", metavar="7:1:2", help="Sizes of train, val and test; default: 7:1:2.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, metavar="N", help="Random seed for the split; default: 0."
)
@click.option("--recipe", metavar="crop|squeeze|NAME", help="How images become square, or as in NAME.")
@click.option("--window", metavar="LOW:HIGH|dicom", help="Values that become 0 and 255, or as in DICOM files.")
@click.option("--gray", "channels", flag_value="gray", help="Convert colour images to gray.")
@click.option("--rgb", "channels", flag_value="rgb", help="Repeat gray images to three channels.")
@click.option(
    "--exif", type=click.Choice(["apply", "ignore"]), help="Whether to turn photos as EXIF says; default: apply."
)
@click.option("--description", metavar="TEXT", default="", help="Description for the record.")
@click.option("--modality", metavar="TEXT", default="", help="Modality for the record.")
@click.option("--license", metavar="TEXT", default="", help="License for the record.")
@click.option("-o", "--output", type=click.Path(file_okay=False), metavar="DIR", help="Folder for the files to share.")
@click.option("--skip-bad", is_flag=True, help="Leave out images that cannot be used, and list them.")
@click.option("--slices", is_flag=True, help="Treat each folder of image files as one volume.")
@workers_option()
@json_option
def build(
    source: str,
    sizes: tuple[str, ...],
    ratio: str | None,
    window: str | None,
    class_names: str | None,
    dry_run: bool,
    workers: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Build a data set from your own images.

    The set has the format of MedMNIST. SOURCE is a folder with one folder per class, or train, val and test with such
    folders; a table with a line for each image (CSV, TSV, Excel or Parquet), whose columns are recognised by their
    usual names; or a folder written by `save --layout csv`. For segmentation, SOURCE is a folder with images/ and
    masks/ whose files have the same names, or a table with the column mask instead of label.

    Without --name, build first shows what SOURCE holds. If it can be read in only one way, it builds the set with the
    name of the folder. Otherwise it prints a command for each way.

    Run the same command again to resume an interrupted run. The exit code is 2 for wrong usage or if there are several
    ways, and 1 if images or labels cannot be used.

    \b
      medmnist-np build photos
      medmnist-np build photos --name lesions --size 28 --size 64 --recipe crop
      medmnist-np build photos --labels moles.csv --name moles --group-by patient
      medmnist-np build scans.csv --name thorax --window=-160:240 --recipe squeeze
      medmnist-np build polyps --name polyps --classes no,polyp --recipe squeeze
    """
    from medmnist_np._parallel import threads
    from medmnist_np._progress import bars, silent
    from medmnist_np.builder import build as build_set
    from medmnist_np.builder.labels import Ambiguous
    from medmnist_np.builder.pipeline import check_choices
    from medmnist_np.builder.surveys import command_of, name_of, survey

    options |= {
        "sizes": _numbers(",".join(sizes), ",", int, "--size 28,64,224") if sizes else None,
        "ratio": None if ratio is None else _numbers(ratio, ":", float, "--split 7:1:2"),
        "window": window if window in (None, "dicom") else _limits(window),
        "class_names": None if class_names is None else [name.strip() for name in class_names.split(",")],
    }
    given = {name: value for name, value in options.items() if value or (name, value) == ("group_by", "")}
    progress = silent if as_json else bars
    looks = dry_run or "name" not in given
    if looks:
        _look(survey(source, progress=progress, **given), dry_run=dry_run, as_json=as_json)
    arguments = {"name": name_of(source), **given}
    with value_errors(passing=()):  # an error about the name of a set is wrong usage here
        check_choices(**{name: arguments.get(name, default) for name, default in _CHECKED.items()})
    with value_errors(click.ClickException), threads(workers or n_processors()) as executor, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Class .* has no samples")  # the record, which is shown, has it as a note
        try:
            built = build_set(
                source,
                executor=executor,
                progress=progress,
                finish=lambda done: _write_page(done, executor, progress),
                **arguments,
            )
        except Ambiguous as error:
            for way in error.readings:
                say(command_of(source, {**given, **way}), err=True)
            raise click.UsageError(str(error)) from error
    page = _page_of(built)
    if not options["license"]:
        say("The set has no license. State one with --license, so that others know how they may use it.", err=True)
    if as_json:
        skipped = [{"image": where, "reason": reason} for where, reason in built.skipped]
        notes = [*built.notes, *built.record.notes]
        facts = {"name": built.record.name, "folder": str(built.folder), "page": str(page)}
        say_json({**facts, "skipped": skipped, "notes": notes})
        return
    say_lines(repr(built.record))
    for note in () if looks else built.notes:  # the survey has shown them
        say(with_options(note, click.get_current_context().command), err=True)
    for where, reason in built.skipped[:_NAMED]:
        say(f"Left out: {where}: {with_options(reason, click.get_current_context().command)}.", err=True)
    if len(built.skipped) > _NAMED:
        say(f"... and {len(built.skipped) - _NAMED} more. Use --json to list all.", err=True)
    say(f"Card and audit: {page}")
    first = f'mm.load("{built.record.name}", "{built.record.splits[0]}")'
    say(f"Ready: {first}. Files to share: {built.folder}")


def _look(found: Survey, *, dry_run: bool, as_json: bool) -> None:
    """Show a survey, and exit if nothing more is to be done or can be done."""
    ctx = click.get_current_context()
    if as_json and (dry_run or not found.ready):
        say_json(found.to_dict())
    elif not as_json:
        say_lines(str(replace(found, problem=with_options(found.problem, ctx.command))))
    if dry_run or not found.ready:
        ctx.exit(0 if dry_run else 2 if found.readings else 1)


def _write_page(built: Built, executor: Executor, progress: Progress) -> None:
    """Write the card and the audit of a set beside its record."""
    from medmnist_np.audits import audit
    from medmnist_np.reports import card, write_page

    record, size = built.record, built.record.sizes[0]
    # The folder is shared, and names of files may say who a patient is.
    remarks = [re.sub(r" \([^()]*\)", "", note) for note in built.notes if "/" not in note and "\\" not in note]
    findings = None
    if record.target == "masks":
        remarks.append("Duplicates and leaks were not searched, since an audit needs one label for each image.")
    else:
        near = 4 if sum(record.n_samples.values()) <= _NEAR else None
        if near is None:
            remarks.append(f"Near duplicates: not searched. `medmnist-np audit {record.name}` searches them.")
        findings = audit(record.name, size=size, max_distance=near, executor=executor, progress=progress)
    document = card(record.name, size=size, audit=findings, remarks=remarks, executor=executor, progress=progress)
    write_page(_page_of(built), document)
    _files.remove_abandoned(_page_of(built))  # of an interrupted run


def _page_of(built: Built) -> Path:
    return built.folder / f"{built.record.name}.html"


@click.command
@click.argument("source", metavar="RECORD")
@click.option("--base-url", metavar="URL", help="Where the archives are, if not where the record says or beside it.")
def register(source: str, base_url: str | None) -> None:
    """Register a data set that somebody built, by its record.

    RECORD is a .toml file or its URL. Afterwards the data set is available by its name.

    \b
      medmnist-np register https://lab.example/lesions.toml
      medmnist-np fetch lesions --size all
    """
    from medmnist_np.data.registration import register as register_set

    if not source.startswith(("https://", "http://")) and not Path(source).is_file():
        raise click.UsageError(f"File not found: {source}.")
    record = register_set(source, base_url=base_url)
    say_lines(f"{record!r}\n`medmnist-np fetch {record.name}` downloads it.")


def _limits(window: str) -> tuple[float, float]:
    limits = _numbers(window, ":", float, "--window LOW:HIGH")
    if len(limits) != 2:
        raise click.UsageError(f"--window must be two numbers, LOW:HIGH, not {window!r}.")
    return limits[0], limits[1]


def _numbers(text: str, separator: str, kind: Callable[[str], Number], form: str) -> list[Number]:
    try:
        return [kind(part) for part in text.split(separator)]
    except ValueError:
        raise click.UsageError(f"Write {form}, not {text!r}.") from None
