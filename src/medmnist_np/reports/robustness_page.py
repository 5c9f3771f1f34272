"""The page on robustness to corruptions: one section for each model and data set."""

from __future__ import annotations

from collections.abc import Sequence

from medmnist_np._html import Html, element
from medmnist_np.corruptions import Robustness
from medmnist_np.metrics import Interval
from medmnist_np.registry.corruption_facts import SEVERITIES
from medmnist_np.reports.page import aside, figures, note, number, page, span, table


def robustness_page(results: Sequence[Robustness]) -> str:
    """Return a page that shows how corruptions change the error of one or more models.

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
    sections["Definitions"] = _definitions()
    return page("Robustness to corruptions", f"{n_runs:,} result files of corrupted images", sections)


def _title(result: Robustness) -> str:
    return f"{result.model or 'Unnamed model'}: {result.record.name} {result.split}, {result.size} px"


def _section(result: Robustness) -> list[Html]:
    measured = {
        "Clean images": (result.clean, "balanced error"),
        "Corrupted images": (result.mean, "mean balanced error"),
        "BE": (result.be, "reference model: 1"),
        "rBE": (result.rbe, "reference model: 1"),
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
        content.append(table("Mean over the severities", head, rows))
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
            "The balanced error is 1 minus the mean recall of the classes. BE is the mean error over the five "
            "severities, divided by that of the reference model. rBE is the increase of the error from clean to "
            "corrupted images, divided by the increase for the reference model. Values for a data set are means over "
            "its corruptions. Lower is better for all of them.",
        ),
        element("p", "The reference model is the AlexNet of MedMNIST-C, with its published errors (arXiv:2406.17536)."),
        aside(
            "Intervals are 95 % percentile intervals from a bootstrap over the images. Clean and corrupted versions of "
            "an image are resampled together. The errors of the reference model are treated as exact."
        ),
    ]
