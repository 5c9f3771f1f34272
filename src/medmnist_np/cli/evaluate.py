"""``evaluate`` result files, ``compare`` two of them, show them on the ``leaderboard``, and ``report`` on one."""

from __future__ import annotations

from collections.abc import Sequence
from glob import glob
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import click

from medmnist_np.cli.options import FILE, json_option, name_argument, page_option, root_option, undefined_option
from medmnist_np.cli.output import interval_ends, say, say_json, say_paragraph, say_table, value_errors, writing
from medmnist_np.errors import MedMNISTError, ScoresError

if TYPE_CHECKING:
    from medmnist_np.metrics import Undefined


@click.command
@click.argument("files", nargs=-1, metavar="FILE...", type=FILE)
@click.option(
    "--path", "paths", multiple=True, type=FILE, metavar="FILE", help="The same as FILE; the official option."
)
@click.option("--intervals", is_flag=True, help="Add 95 % confidence intervals from 1000 bootstrap resamples.")
@undefined_option
@root_option
@json_option
def evaluate(
    files: tuple[str, ...],
    paths: tuple[str, ...],
    intervals: bool,
    undefined: Undefined,
    root: str | None,
    as_json: bool,
) -> None:
    """Compute AUC and ACC of result files.

    A result file is named NAME_SPLIT....csv or NAME_SIZE_SPLIT....csv; each line has an index and scores. If the name
    contains AUC and ACC, they are compared with the computed values. The exit code is 1 if they differ, or if a file
    cannot be evaluated. Tables of images, which `save` writes, are skipped. Nothing is written.

    \b
      medmnist-np evaluate results/*.csv
      medmnist-np evaluate pathmnist_test_run1.csv --intervals
    """
    from medmnist_np.evaluation import parse_name
    from medmnist_np.evaluation.evaluator import evaluate_file

    every = (*files, *paths)
    if not every:
        raise click.UsageError("Name one or more result files: `medmnist-np evaluate FILE...`.")
    rows: list[dict[str, Any]] = []
    failures = []
    for file in every:
        if _is_table_of_images(file):
            say(f"{file}: skipped, a table of images and labels", err=True)
            continue
        try:
            result = evaluate_file(file, root=root, undefined=undefined)
        except MedMNISTError as error:
            failures.append(str(error) if file in str(error) else f"{file}: {error}")
            continue
        wrong = parse_name(file).contradictions(result.figures)
        failures += [f"{file}: {one}." for one in wrong]
        if as_json:
            rows.append({"file": file, **result.to_dict(intervals=intervals), "contradictions": wrong})
            continue
        say(file)
        say(f"    {result.record.name} {result.split}, {result.n_samples:,} samples, {result.task}")
        around = dict.fromkeys(("auc", "accuracy"), "")
        if intervals:
            around = {metric: f"  {interval_ends(found)}" for metric, found in result.intervals().items()}
        say(f"    AUC {result.AUC:.5f}{around['auc']}\n    ACC {result.ACC:.5f}{around['accuracy']}")
        if words := result.undefined_in_words():
            say_paragraph(f"    {words}", indent="    ")
        for note in result.notes:
            say_paragraph(f"    Note: {note}", indent="    ")
    if as_json:
        say_json(rows)
    if failures:
        raise click.ClickException("\n".join(failures))


@click.command
@click.argument("files", nargs=-1, metavar="[A.csv B.csv]", type=FILE)
@click.option("--a", "first", multiple=True, metavar="GLOB", help="Runs of method A, such as 'a/*.csv'; repeatable.")
@click.option("--b", "second", multiple=True, metavar="GLOB", help="Runs of method B; repeatable.")
@undefined_option
@root_option
@json_option
def compare(
    files: tuple[str, ...],
    first: tuple[str, ...],
    second: tuple[str, ...],
    undefined: Undefined,
    root: str | None,
    as_json: bool,
) -> None:
    """Compare two result files, or several runs of two methods.

    A.csv and B.csv have scores of the same samples. AUCs are compared with a paired DeLong test, ACCs with McNemar's
    test (with several labels per image, a paired bootstrap test). Differences have paired bootstrap confidence
    intervals. With --a and --b, the test accounts for both images and runs, such as random seeds.

    \b
      medmnist-np compare pathmnist_test_run1.csv pathmnist_test_run2.csv
      medmnist-np compare --a "resnet/*.csv" --b "mine/*.csv"
    """
    from medmnist_np.evaluation import compare as compare_results
    from medmnist_np.evaluation.evaluator import evaluate_file

    if len(files) != (0 if first or second else 2) or bool(first) != bool(second):
        raise click.UsageError("Give two result files, or the runs of both methods with --a and --b.")
    named = [[files[0]], [files[1]]] if files else [_expanded("--a", first), _expanded("--b", second)]
    results = [[evaluate_file(file, root=root, undefined=undefined) for file in of_method] for of_method in named]
    for of_method, found in zip(named, results, strict=True):
        for file, result in zip(of_method, found, strict=True):
            _warn_of_wrong_figures(file, result)
    with value_errors(click.ClickException):
        comparison = compare_results(*results)
    if as_json:
        say_json({"files": list(files) or named, **comparison.to_dict()})
        return
    for name, of_method in zip("AB", named, strict=True):
        say(f"{name}: {', '.join(of_method)}")
    say(f"{results[0][0].record.name} {results[0][0].split}, {results[0][0].n_samples:,} samples")
    for paragraph in comparison.in_words():
        say()
        say_paragraph(paragraph)


def _expanded(option: str, patterns: Sequence[str]) -> list[str]:
    """Return the files of patterns: shells on Windows do not expand them."""
    found = [file for pattern in patterns for file in sorted(glob(pattern)) or [pattern]]  # noqa: PTH207 -- they may be absolute
    for file in found:
        if not Path(file).is_file():
            raise click.UsageError(f"{option}: no file matches {file!r}.")
    return list(dict.fromkeys(found))


@click.command
@name_argument
@click.argument("files", nargs=-1, metavar="[FILE...]", type=FILE)
@undefined_option
@root_option
@json_option
def leaderboard(name: str, files: tuple[str, ...], undefined: Undefined, root: str | None, as_json: bool) -> None:
    """Show published results, and your own among them.

    Your results have 95 % bootstrap confidence intervals. They do not test for differences: the published scores
    are not known, so a published value inside an interval may still differ from yours.

    \b
      medmnist-np leaderboard pathmnist
      medmnist-np leaderboard pathmnist pathmnist_test_run1.csv
    """
    from medmnist_np import registry
    from medmnist_np.evaluation import leaderboard as board
    from medmnist_np.evaluation.comparison import SPLIT
    from medmnist_np.evaluation.evaluator import evaluate_file

    published = f"{registry.info(name).name} {SPLIT}"
    results = [evaluate_file(file, root=root, undefined=undefined) for file in files]
    for file, result in zip(files, results, strict=True):
        if (found := f"{result.record.name} {result.split}") != published:
            raise ScoresError(f"{file} has scores for {found}, but the published results are for {published}.")
        _warn_of_wrong_figures(file, result)
    names = [result.run or PurePath(file).stem for result, file in zip(results, files, strict=True)]
    if len(set(names)) < len(names):
        names = list(files)
    entries = board(name, dict(zip(names, results, strict=True)))
    known = registry.baselines(name)
    if as_json:
        say_json({"entries": [_described(entry) for entry in entries], "paper": known.paper, "notes": known.notes})
        return
    rows = []
    for entry in entries:
        auc, acc = map(interval_ends, entry.intervals) if entry.intervals else ("", "")
        rows.append(["*" if entry.intervals else "", entry.method, f"{entry.AUC:.3f}", auc, f"{entry.ACC:.3f}", acc])
    if rows:
        say_table(rows, ["", "method", "AUC", "", "ACC", ""], [2, 4])
        say()
    _say_notes(names, results)
    if not known.rows:
        say(f"No published results are known for {registry.info(name).name}.")
        if files:
            say("* yours, with 95 % confidence intervals.")
        return
    say_paragraph(f"Published results: {known.paper}", indent="  ")
    for note in known.notes:
        say_paragraph(f"- {note}", indent="  ")
    if files:
        say_paragraph(
            "* yours, with 95 % confidence intervals. "
            "They do not test for differences, since the published scores are not known. `medmnist-np compare` tests "
            "two result files."
        )


@click.command
@click.argument("file", type=FILE)
@page_option("Where to write the page; default: FILE with .html instead of .csv.")
@undefined_option
@root_option
def report(file: str, page: Path | None, undefined: Undefined, root: str | None) -> None:
    """Write a page about a result file: metrics, curves, mistakes.

    Every metric has a confidence interval. The page is one self-contained HTML file. It shows the worst mistakes as
    pictures if the images are in the cache. Only labels are downloaded. Charts need matplotlib:
    pip install 'medmnist-np[report]'

    \b
      medmnist-np report pathmnist_test_run1.csv -o run1.html
    """
    from medmnist_np.evaluation import parse_name
    from medmnist_np.evaluation.evaluator import evaluate_file
    from medmnist_np.reports import write_page
    from medmnist_np.reports.evaluation_page import cached_images, report as report_on

    page = page or Path(file).with_suffix(".html")
    result = evaluate_file(file, root=root, undefined=undefined)
    wrong = parse_name(file).contradictions(result.figures)
    images = cached_images(result, root=root)
    document = report_on(result, images, file=file, remarks=[f"In this file, {one}." for one in wrong])
    with writing(page):
        write_page(page, document)
    for one in wrong:
        say(f"Warning: {file}: {one}.", err=True)
    for note in result.notes:
        say(f"Note: {note}", err=True)
    say(page)
    if images is None:
        say(f"The page has no pictures. Download them with `medmnist-np fetch {result.record.name}`.", err=True)


def _is_table_of_images(file: str) -> bool:
    """Whether a file is a table for Google AutoML Vision, which ``save`` and ``medmnist-np save`` write."""
    try:
        with Path(file).open("rb") as stream:
            return stream.readline(100).partition(b",")[0] in (b"TRAIN", b"VALIDATION", b"TEST")
    except OSError:  # which is reported when its scores are read
        return False


def _warn_of_wrong_figures(file: str, result: Any) -> None:
    """Warn on stderr if values in a file name are wrong. The printed values are computed from the scores."""
    from medmnist_np.evaluation import parse_name

    for one in parse_name(file).contradictions(result.figures):
        say(f"Warning: {file}: {one}.", err=True)


def _say_notes(names: Sequence[str], results: Sequence[Any]) -> None:
    """Print the classes for which the AUC is undefined, and other notes about the scores."""
    for name, result in zip(names, results, strict=True):
        for words in filter(None, (result.undefined_in_words(), *result.notes)):
            say_paragraph(f"* {name}: {words}", indent="  ")


def _described(entry: Any) -> dict[str, Any]:
    from dataclasses import asdict

    from medmnist_np.evaluation.result import for_json

    described: dict[str, Any] = for_json({**asdict(entry), "yours": entry.intervals is not None})
    return described
