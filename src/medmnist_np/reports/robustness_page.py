"""The page on what corruptions cost: one section for each model and data set."""

from __future__ import annotations

from collections.abc import Sequence

from medmnist_np._html import Html, element
from medmnist_np.corruptions import Robustness
from medmnist_np.metrics import Interval
from medmnist_np.registry.corruption_facts import SEVERITIES
from medmnist_np.reports.page import aside, figures, note, number, page, span, table


def robustness_page(results: Sequence[Robustness]) -> str:
    """Return the page on what corruptions cost.

    Parameters
    ----------
    results : sequence of Robustness
        The result of :func:`~medmnist_np.corruptions.measure_robustness`, for one model or several.

    Returns
    -------
    str
        A self-contained HTML document without scripts. The same results give the same document.
    """
    n_runs = sum(len(corruption.errors) for result in results for corruption in result.corruptions)
    sections = {_title(result): _section(result) for result in results}
    sections["What the figures are"] = _definitions()
    return page("Robustness to corruptions", f"{n_runs:,} result files of corrupted images", sections)


def _title(result: Robustness) -> str:
    return f"{result.model or 'Model without a name'}: {result.record.name} {result.split}, {result.size} px"


def _section(result: Robustness) -> list[Html]:
    measured = {
        "Images as they are": (result.clean, "balanced error"),
        "Corrupted images": (result.mean, "balanced error"),
        "BE": (result.be, "1 is the reference"),
        "rBE": (result.rbe, "1 is the reference"),
    }
    shown = {
        title: (number(interval.estimate), f"{below}; {span(interval.low, interval.high)}")
        for title, (interval, below) in measured.items()
        if interval is not None
    }
    content = [figures(shown)] if shown else []
    content += [note(text) for text in result.notes]
    if not result.corruptions:
        return content
    by_severity = [
        [corruption.corruption, *(_cell(corruption.errors.get(severity)) for severity in SEVERITIES)]
        for corruption in result.corruptions
    ]
    content.append(table("Balanced error by severity", ["corruption", *SEVERITIES], by_severity, kind="matrix"))
    means = {
        "mean": [corruption.mean for corruption in result.corruptions],
        "BE": [corruption.be for corruption in result.corruptions],
        "rBE": [corruption.rbe for corruption in result.corruptions],
    }
    columns = {title: values for title, values in means.items() if any(value is not None for value in values)}
    if columns:
        rows = [
            [corruption.corruption, *(cell for intervals in columns.values() for cell in _both(intervals[k]))]
            for k, corruption in enumerate(result.corruptions)
        ]
        head = ["corruption", *(heading for title in columns for heading in (title, "95 % interval"))]
        content.append(table("Means over the severities", head, rows))
    return content


def _cell(error: Interval | None) -> Html:
    if error is None:
        return element("td", "")
    ends = element("small", span(error.low, error.high))
    return element("td", number(error.estimate), ends, style=f"--share: {error.estimate:.3f}")


def _both(interval: Interval | None) -> tuple[str, str]:
    return ("", "") if interval is None else (number(interval.estimate), span(interval.low, interval.high))


def _definitions() -> list[Html]:
    return [
        element(
            "p",
            "The balanced error is one minus the mean of the recalls of all classes. BE is the mean error over the "
            "five severities, over that of the reference. rBE is what the corruption adds to the error on images as "
            "they are, over what it adds to that of the reference. A set has the means over its corruptions.",
        ),
        element("p", "The reference is an AlexNet; its errors are those published with MedMNIST-C (arXiv:2406.17536)."),
        aside(
            "Intervals are 95 % percentile intervals of a bootstrap over the images, the same images in all terms. "
            "That the errors of the reference are uncertain too is not in them."
        ),
    ]
