"""What scores are worth: ``evaluate``, ``compare`` and ``leaderboard``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from medmnist_np.cli import options
from medmnist_np.cli.output import json_option, root_option, say, say_json, say_paragraph, say_table
from medmnist_np.errors import MedMNISTError, ScoresError

if TYPE_CHECKING:
    from medmnist_np.metrics import Undefined

_file = click.Path(exists=True, dir_okay=False)

undefined_option = click.option(
    "--undefined",
    type=click.Choice(["raise", "skip", "nan", "zero"]),
    default="raise",
    help="An AUC that is not defined, as a class is absent: refuse, take the mean of the others, NaN or 0.",
)


@click.command
@click.argument("files", nargs=-1, metavar="FILE...", type=_file)
@click.option("--path", "paths", multiple=True, type=_file, metavar="FILE", help="The same, in the official form.")
@click.option("--intervals", is_flag=True, help="95 % intervals behind AUC and ACC, from 1000 bootstrap resamples.")
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
    """Compute AUC and ACC of result files from their scores.

    A result file is named NAME_SPLIT....csv or NAME_SIZE_SPLIT....csv and has lines of an index and scores. Nothing is
    written. Figures in its name are compared with those of the scores; exit code 1 if a name is wrong, or a file cannot
    be evaluated.

    \b
      medmnist-np evaluate results/*.csv
      medmnist-np evaluate pathmnist_test_run1.csv --intervals
    """
    from medmnist_np.evaluation import parse_name
    from medmnist_np.evaluation.evaluator import evaluate_file

    every = (*files, *paths)
    if not every:
        raise click.UsageError("Which files? `medmnist-np evaluate FILE...`")
    rows: list[dict[str, Any]] = []
    failures = []
    for file in every:
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
            around = {metric: f"  {_ends(found)}" for metric, found in result.intervals().items()}
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
@click.argument("first", metavar="A.csv", type=_file)
@click.argument("second", metavar="B.csv", type=_file)
@undefined_option
@root_option
@json_option
def compare(first: str, second: str, undefined: Undefined, root: str | None, as_json: bool) -> None:
    """Say whether the scores in two result files differ.

    A.csv and B.csv have scores of the same samples. Tests: paired DeLong for the AUC, McNemar for the ACC (for several
    labels per image a paired bootstrap), and paired bootstrap intervals.

    \b
      medmnist-np compare pathmnist_test_run1.csv pathmnist_test_run2.csv
    """
    from medmnist_np.evaluation import compare as compare_results
    from medmnist_np.evaluation.evaluator import evaluate_file

    results = [evaluate_file(file, root=root, undefined=undefined) for file in (first, second)]
    for file, result in zip((first, second), results, strict=True):
        _warn_of_wrong_figures(file, result)
    try:
        found = compare_results(*results)
    except ScoresError:
        raise
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        say_json({"files": [first, second], **found.to_dict()})
        return
    say(f"A: {first}\nB: {second}")
    say(f"{results[0].record.name} {results[0].split}, {results[0].n_samples:,} samples")
    for paragraph in found.in_words():
        say()
        say_paragraph(paragraph)


@click.command
@click.argument("name", shell_complete=options.names)
@click.argument("files", nargs=-1, metavar="[FILE...]", type=_file)
@undefined_option
@root_option
@json_option
def leaderboard(name: str, files: tuple[str, ...], undefined: Undefined, root: str | None, as_json: bool) -> None:
    """Show published figures, and those of result files among them.

    An own result has its 95 % bootstrap interval; a published figure inside it is not told apart from it by so few
    images.

    \b
      medmnist-np leaderboard pathmnist
      medmnist-np leaderboard pathmnist pathmnist_test_run1.csv
    """
    from medmnist_np import registry
    from medmnist_np.evaluation import leaderboard as board
    from medmnist_np.evaluation.baselines import SPLIT
    from medmnist_np.evaluation.evaluator import evaluate_file

    published = f"{registry.info(name).name} {SPLIT}"
    results = [evaluate_file(file, root=root, undefined=undefined) for file in files]
    for file, result in zip(files, results, strict=True):
        if (found := f"{result.record.name} {result.split}") != published:
            raise ScoresError(f"{file} has scores of {found}, and the published figures are of {published}.")
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
        auc, acc = map(_ends, entry.intervals) if entry.intervals else ("", "")
        rows.append(["*" if entry.intervals else "", entry.method, f"{entry.AUC:.3f}", auc, f"{entry.ACC:.3f}", acc])
    if rows:
        say_table(rows, ["", "method", "AUC", "", "ACC", ""], [2, 4])
        say()
    _say_notes(names, results)
    if not known.rows:
        say(f"No published figures of {registry.info(name).name} are known.")
        if files:
            say("* yours, with its 95 % interval.")
        return
    say(f"Published figures: {known.paper}")
    for note in known.notes:
        say_paragraph(f"- {note}", indent="  ")
    if files:
        say_paragraph("* yours, with its 95 % interval. A published figure inside it is not told apart from yours.")


def _warn_of_wrong_figures(file: str, result: Any) -> None:
    """Say on stderr what a file's name says wrongly; what is shown is computed from its scores."""
    from medmnist_np.evaluation import parse_name

    for one in parse_name(file).contradictions(result.figures):
        say(f"Warning: {file}: {one}.", err=True)


def _say_notes(names: Sequence[str], results: Sequence[Any]) -> None:
    """Say which results have no AUC of which classes, and what else to know about their scores."""
    for name, result in zip(names, results, strict=True):
        for words in filter(None, (result.undefined_in_words(), *result.notes)):
            say_paragraph(f"* {name}: {words}", indent="  ")


def _ends(interval: Any) -> str:
    if math.isnan(interval.low):
        return "(no interval)"
    return f"({interval.low:.3f} to {interval.high:.3f})"


def _described(entry: Any) -> dict[str, Any]:
    from dataclasses import asdict

    from medmnist_np.evaluation.result import for_json

    described: dict[str, Any] = for_json({**asdict(entry), "yours": entry.intervals is not None})
    return described
