"""Compare two sets of scores on the same samples, and results with the published ones."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, overload

import numpy as np

from medmnist_np import metrics, registry
from medmnist_np._html import card, element, join
from medmnist_np.errors import ScoresError, short
from medmnist_np.evaluation.evaluator import evaluate_file
from medmnist_np.evaluation.result import Evaluation, for_json
from medmnist_np.metrics import Difference, Interval, McNemar, Runs, Undefined
from medmnist_np.metrics.estimates import p_in_words
from medmnist_np.registry import Record


@dataclass(frozen=True, slots=True)
class ClassDifference:
    """The difference of the AUC of one class against the rest, or of one label.

    Attributes
    ----------
    name : str
        Name of the class.
    auc : Difference
        By paired DeLong. Its p-value and its interval are not adjusted for the number of classes.
    p_adjusted : float
        The p-value, adjusted by Holm's method.
    """

    name: str
    auc: Difference
    p_adjusted: float

    def __str__(self) -> str:
        return f"{self.name!r} {self.auc.difference:+.3f} ({p_in_words(self.p_adjusted)})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of :func:`compare`.

    Attributes
    ----------
    first, second : Evaluation
        The two results.
    auc : Difference
        Difference of the AUC, by paired DeLong.
    auc_bootstrap : Difference
        The same by a paired bootstrap, which needs no normal approximation.
    accuracy : Difference
        Difference of the accuracy, by a paired bootstrap.
    mcnemar : McNemar or None
        On how many samples only one is right; None for a multi-label set, whose decisions are not independent.
    classes : tuple of ClassDifference
        For each class or label whose AUC is defined; empty for a binary set.
    """

    first: Evaluation
    second: Evaluation
    auc: Difference
    auc_bootstrap: Difference
    accuracy: Difference
    mcnemar: McNemar | None
    classes: tuple[ClassDifference, ...]

    def __str__(self) -> str:
        return "\n\n".join(self.in_words())

    def _repr_html_(self) -> str:
        return _as_card(self)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures, ready for JSON. A difference is the second minus the first."""
        figures = {
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
            "auc": _figures(self.auc),
            "auc_bootstrap": _figures(self.auc_bootstrap),
            "accuracy": _figures(self.accuracy),
            "mcnemar": None if self.mcnemar is None else asdict(self.mcnemar),
            "classes": [{"name": one.name, **_figures(one.auc), "p_adjusted": one.p_adjusted} for one in self.classes],
        }
        described: dict[str, Any] = for_json(figures)
        return described

    def in_words(self) -> list[str]:
        """Return the result as paragraphs of plain sentences."""
        words = [self._auc_in_words(), self._accuracy_in_words()]
        if self.classes:
            words.append(self._classes_in_words())
        return [*words, *self._notes()]

    def _notes(self) -> list[str]:
        """Return the notes on both results, each once."""
        shared = [f"Note: {note}" for note in self.first.notes if note in self.second.notes]
        for name, result in (("A", self.first), ("B", self.second)):
            shared += [f"Note on {name}: {note}" for note in result.notes if f"Note: {note}" not in shared]
        return shared

    def _auc_in_words(self) -> str:
        verdict = _verdict(self.auc, self.auc.p_value, "DeLong", self.auc_bootstrap)
        figures = f"Ranking (AUC): {self.auc.first:.3f} for A, {self.auc.second:.3f} for B."
        return " ".join(filter(None, (figures, self.first.undefined_in_words(), verdict)))

    def _accuracy_in_words(self) -> str:
        text = f"Decisions (ACC): {self.accuracy.first:.3f} for A, {self.accuracy.second:.3f} for B."
        if self.mcnemar is None:
            return f"{text} {_verdict(self.accuracy, self.accuracy.p_value, 'bootstrap', self.accuracy)}"
        test = self.mcnemar
        return (
            f"{text} Of {self.first.n_samples} samples, only A is right on {test.only_first}, and only B on "
            f"{test.only_second}. {_verdict(self.accuracy, test.p_value, 'McNemar', self.accuracy)}"
        )

    def _classes_in_words(self) -> str:
        differing = [one for one in self.classes if one.p_adjusted < 1 - one.auc.level]
        if not differing:
            return f"Single classes: none of {len(self.classes)} has a significant difference in AUC (Holm)."
        named = "; ".join(map(str, differing))
        n_classes = len(self.classes)
        return f"Single classes: {len(differing)} of {n_classes} differ significantly in AUC (B - A, Holm): {named}."


@dataclass(frozen=True, slots=True)
class RunsComparison:
    """The result of :func:`compare` for several runs of a method.

    Attributes
    ----------
    first, second : tuple of Evaluation
        The runs of each method.
    auc, accuracy : Difference
        Differences of the means, for new images and new runs. See :func:`~medmnist_np.metrics.paired_runs`.
    auc_runs, accuracy_runs : (Runs, Runs)
        Mean and spread over the runs of each method.
    """

    first: tuple[Evaluation, ...]
    second: tuple[Evaluation, ...]
    auc: Difference
    accuracy: Difference
    auc_runs: tuple[Runs, Runs]
    accuracy_runs: tuple[Runs, Runs]

    def __str__(self) -> str:
        return "\n\n".join(self.in_words())

    def _repr_html_(self) -> str:
        return _as_card(self)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures, ready for JSON. A difference is the second minus the first."""
        figures: dict[str, Any] = for_json(
            {
                "first": [run.to_dict() for run in self.first],
                "second": [run.to_dict() for run in self.second],
                "auc": {**_figures(self.auc), "runs": list(map(asdict, self.auc_runs))},
                "accuracy": {**_figures(self.accuracy), "runs": list(map(asdict, self.accuracy_runs))},
            }
        )
        return figures

    def in_words(self) -> list[str]:
        """Return the result as paragraphs of plain sentences."""
        words = []
        for title, difference, runs in (
            ("Ranking (AUC)", self.auc, self.auc_runs),
            ("Decisions (ACC)", self.accuracy, self.accuracy_runs),
        ):
            verdict = _verdict(difference, difference.p_value, "over images and runs", difference)
            words.append(f"{title}: A {runs[0]}. B {runs[1]}. {verdict}")
        single = [name for name, runs in (("A", self.first), ("B", self.second)) if len(runs) == 1]
        if single:
            words.append(
                f"Note: {' and '.join(single)} is one run. The result is about that trained model, not other seeds."
            )
        return words


def _as_card(found: Comparison | RunsComparison) -> str:
    """Return a comparison as HTML for a notebook: the results A and B, then the paragraphs about them."""
    results = {name: "\n".join(map(repr, _evaluations(of))) for name, of in (("A", found.first), ("B", found.second))}
    return card("Comparison", results, (), below=join(element("p", paragraph) for paragraph in found.in_words()))


Scores = Evaluation | str | os.PathLike[str]


@overload
def compare(
    first: Scores, second: Scores, *, level: float = ..., n_resamples: int = ..., seed: int = ...
) -> Comparison: ...


@overload
def compare(
    first: Scores | Sequence[Scores],
    second: Scores | Sequence[Scores],
    *,
    level: float = ...,
    n_resamples: int = ...,
    seed: int = ...,
) -> Comparison | RunsComparison: ...


def compare(
    first: Scores | Sequence[Scores],
    second: Scores | Sequence[Scores],
    *,
    level: float = 0.95,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Comparison | RunsComparison:
    """Compare two sets of scores on the same samples, or several runs of two methods.

    Parameters
    ----------
    first, second : Evaluation or path, or sequence of these
        Results, or result files, on the same data set and split; the sizes of the images may differ. Classes without an
        AUC are treated as both results were, for example by ``undefined="skip"``. A sequence has the runs of a method,
        such as five seeds.
    level : float
        Confidence level of the intervals. A p-value below ``1 - level`` counts as a difference.
    n_resamples, seed : int
        Number of bootstrap resamples and their random seed.

    Returns
    -------
    Comparison or RunsComparison
        Differences are the second minus the first. The second kind is for sequences, unless both have one item.

    Raises
    ------
    ScoresError
        If the results are not on the same data set and split, or a file is not a result file.
    ValueError
        If the numbers of columns differ, or a class has fewer than two positive or negative samples. Also if a class
        has no AUC and the two results were evaluated with different values of ``undefined``.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.evaluation import compare
    >>> evaluator = mm.Evaluator("breastmnist", "test")
    >>> a, b = (evaluator.evaluate(evaluator.get_dummy_prediction(seed=seed)) for seed in (1, 2))
    >>> compare(a, b).auc.p_value > 0.05
    True
    """
    of_first, of_second = map(_evaluations, (first, second))
    splits = {f"{result.record.name} {result.split}": None for result in (*of_first, *of_second)}
    if len(splits) > 1:
        raise ScoresError(f"All results must be for the same data set and split. They are for {' and '.join(splits)}.")
    choices = {result.undefined for result in (*of_first, *of_second)}
    undefined = of_first[0].undefined if len(choices) == 1 else "raise"
    if len(of_first) == len(of_second) == 1:
        return _compared(of_first[0], of_second[0], undefined, level, n_resamples, seed)
    a, b = ([result.predictions for result in results] for results in (of_first, of_second))
    values = [[[getattr(run, metric) for run in runs] for runs in (of_first, of_second)] for metric in ("AUC", "ACC")]
    auc_runs, accuracy_runs = ((_summary(a, level), _summary(b, level)) for a, b in values)
    return RunsComparison(
        of_first,
        of_second,
        auc=metrics.paired_runs(a, b, level=level, undefined=undefined),
        accuracy=metrics.paired_runs(a, b, "accuracy", level=level),
        auc_runs=auc_runs,
        accuracy_runs=accuracy_runs,
    )


def _summary(values: list[float], level: float) -> Runs:
    if any(map(math.isnan, values)):
        return Runs(len(values), math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, level)
    return metrics.summarise_runs(values, level=level)


def _evaluations(scores: Scores | Sequence[Scores]) -> tuple[Evaluation, ...]:
    every = [scores] if isinstance(scores, (Evaluation, str, os.PathLike)) else list(scores)
    if not every:
        raise ValueError("Both methods need at least one run.")
    return tuple(one if isinstance(one, Evaluation) else evaluate_file(one) for one in every)


def _compared(
    first: Evaluation, second: Evaluation, undefined: Undefined, level: float, n_resamples: int, seed: int
) -> Comparison:
    a, b = first.predictions, second.predictions
    return Comparison(
        first,
        second,
        auc=metrics.paired_delong(a, b, level=level, undefined=undefined),
        auc_bootstrap=metrics.paired_bootstrap(
            a, b, "auc", level=level, n_resamples=n_resamples, seed=seed, undefined=undefined
        ),
        accuracy=metrics.paired_bootstrap(a, b, "accuracy", level=level, n_resamples=n_resamples, seed=seed),
        mcnemar=None if first.record.multi_label else metrics.mcnemar(a, b),
        classes=() if first.task == "binary-class" else _per_class(first, second, level),
    )


def _per_class(first: Evaluation, second: Evaluation, level: float) -> tuple[ClassDifference, ...]:
    names = first.record.class_names
    defined = [k for k, name in enumerate(names) if name not in first.undefined_classes]
    columns = np.array(defined, dtype=np.intp)
    differences = metrics.paired_delong_per_class(first.predictions, second.predictions, level=level, columns=columns)
    adjusted = metrics.holm([difference.p_value for difference in differences]).tolist()
    return tuple(map(ClassDifference, (names[k] for k in defined), differences, adjusted))


def _figures(difference: Difference) -> dict[str, Any]:
    return {**asdict(difference), "difference": difference.difference}


def _verdict(difference: Difference, p_value: float, test: str, bootstrap: Difference) -> str:
    """Return a sentence on the difference: significant, not significant, or borderline (the two methods disagree)."""
    if math.isnan(difference.difference):
        return "There is nothing to compare."
    if difference.difference == 0 and (math.isnan(difference.low) or difference.low == difference.high):
        return "There is no difference on these samples."
    gap = f"the difference of {abs(difference.difference):.3f}"
    if difference.method == "permutation":
        test = "permutation"
    p = f"({p_in_words(p_value)}, {test})"
    by_test = p_value < 1 - difference.level
    # A bootstrap without an interval is ignored.
    by_bootstrap = by_test if math.isnan(bootstrap.low) else not bootstrap.low <= 0 <= bootstrap.high
    if math.isnan(difference.low):
        verdict = "is significant" if by_test else "may be chance"
        return f"{gap[0].upper()}{gap[1:]} {verdict} {p}. No confidence interval: {difference.note}."
    ends = f"{difference.low:+.3f} to {difference.high:+.3f}"
    limits = f"{100 * difference.level:g} % confidence interval for B - A: {ends}."
    if by_test and by_bootstrap:
        better = "B" if difference.difference > 0 else "A"
        return f"{better} is better: {gap} is significant {p}. {limits}"
    if by_test != by_bootstrap:
        one, other = ("significant", "not") if by_test else ("not significant", "significant")
        interval = "interval" if bootstrap.method == "permutation" else "bootstrap"
        return (
            f"Borderline case: {gap} is {one} by one method {p}, but {other} by another ({interval}, "
            f"{bootstrap.low:+.3f} to {bootstrap.high:+.3f}). Do not rely on it."
        )
    return f"No significant difference: {gap} may be chance {p}. {limits} This does not show that A and B are equal."


# The published figures are of this split.
SPLIT = "test"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a leaderboard.

    Attributes
    ----------
    method : str
        Name of the method, or of your own run.
    AUC, ACC : float
        Published results have three decimals; your own are exact.
    intervals : tuple of Interval, or None
        Confidence intervals of AUC and ACC, for your own results.
    notes : tuple of str
        Notes on the scores, for your own results.
    """

    method: str
    AUC: float
    ACC: float
    intervals: tuple[Interval, Interval] | None = None
    notes: tuple[str, ...] = ()

    def cells(self) -> tuple[str, str, str]:
        """Return the method, AUC and ACC as text; your own results have a star and confidence intervals."""
        if self.intervals is None:
            return self.method, f"{self.AUC:.3f}", f"{self.ACC:.3f}"
        auc, accuracy = map(str, self.intervals)
        return f"* {self.method}", auc, accuracy


class Leaderboard(list[Entry]):
    """The result of :func:`leaderboard`: a list of entries, which prints as a table and shows one in a notebook.

    Examples
    --------
    >>> from medmnist_np.evaluation import leaderboard
    >>> print(leaderboard("breastmnist"))
    Method                AUC    ACC
    Google AutoML Vision  0.919  0.861
    ResNet-18 (28)        0.901  0.863
    ...
    """

    _HEAD = ("Method", "AUC", "ACC")

    def __str__(self) -> str:
        rows = [self._HEAD, *(entry.cells() for entry in self)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        head = element("tr", *(element("th", name, style="text-align: left") for name in self._HEAD))
        rows = (element("tr", *(element("td", cell, style="text-align: left") for cell in one.cells())) for one in self)
        return element("table", element("thead", head), element("tbody", *rows))


def leaderboard(name: str | Record, results: Mapping[str, Evaluation] = MappingProxyType({})) -> Leaderboard:
    """Return the published baselines of a data set and your own results, the highest AUC first.

    Parameters
    ----------
    name : str or DatasetInfo
        The data set.
    results : Mapping of str to Evaluation
        Your own results on the test split, by the name to show.

    Returns
    -------
    Leaderboard
        A list of :class:`Entry`. ``medmnist_np.registry.baselines(name).notes`` has notes on the published ones.

    Raises
    ------
    UnknownDatasetError
        If there is no such data set; the message suggests similar names.
    ScoresError
        If a result is of another data set or split.

    Examples
    --------
    >>> from medmnist_np.evaluation import leaderboard
    >>> [(entry.method, entry.AUC) for entry in leaderboard("breastmnist")[:2]]
    [('Google AutoML Vision', 0.919), ('ResNet-18 (28)', 0.901)]
    """
    record = registry.info(name)
    entries = [Entry(row.method, row.AUC, row.ACC) for row in registry.baselines(record).rows]
    for method, result in results.items():
        if (result.record.name, result.split) != (record.name, SPLIT):
            raise ScoresError(
                f"The published results are for {record.name} {SPLIT}, but {short(method)} is for "
                f"{result.record.name} {result.split}."
            )
        intervals = result.intervals()
        own = Entry(method, result.AUC, result.ACC, (intervals["auc"], intervals["accuracy"]), result.notes)
        entries.append(own)
    entries.sort(key=lambda entry: -math.inf if math.isnan(entry.AUC) else entry.AUC, reverse=True)
    return Leaderboard(entries)
