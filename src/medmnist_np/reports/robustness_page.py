"""The page on what corruptions cost: one section for each model and data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medmnist_np._html import Html, element
from medmnist_np.reports.page import aside, figures, note, number, page, span, table

_SEVERITIES = ("1", "2", "3", "4", "5")


def robustness_page(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the page on what corruptions cost.

    Parameters
    ----------
    found : sequence of Mapping
        What ``Robustness.to_dict()`` gives, of one model or of several.

    Returns
    -------
    str
        An HTML document that needs nothing else. The same data gives the same document.
    """
    n_runs = sum(sum(len(one["errors"]) for one in each["corruptions"].values()) for each in found)
    sections = {_title(each): _section(each) for each in found}
    sections["What the figures are"] = _definitions()
    subtitle = f"{n_runs:,} result files of corrupted images"
    return page("Robustness to corruptions", subtitle, sections)


def _title(each: Mapping[str, Any]) -> str:
    return f"{each['model'] or 'Model without a name'}: {each['dataset']} {each['split']}, {each['size']} px"


def _section(each: Mapping[str, Any]) -> list[Html]:
    names = {"clean": "Images as they are", "mean": "Corrupted images", "be": "BE", "rbe": "rBE"}
    below = {
        "clean": "balanced error",
        "mean": "balanced error",
        "be": "1 is the reference",
        "rbe": "1 is the reference",
    }
    shown = {
        title: (number(each[key]["estimate"]), f"{below[key]}; {_span(each[key])}")
        for key, title in names.items()
        if each[key] is not None
    }
    content = [figures(shown)] if shown else []
    content += [note(text) for text in each["notes"]]
    if not each["corruptions"]:
        return content
    by_severity = [
        [name, *(_cell(one["errors"].get(severity)) for severity in _SEVERITIES)]
        for name, one in each["corruptions"].items()
    ]
    content.append(table("Balanced error by severity", ["corruption", *_SEVERITIES], by_severity, kind="matrix"))
    keys = [key for key in ("mean", "be", "rbe") if any(one[key] is not None for one in each["corruptions"].values())]
    if keys:
        rows = [
            [name, *(cell for key in keys for cell in _both(one[key]))] for name, one in each["corruptions"].items()
        ]
        head = [title for key in keys for title in ({"mean": "mean", "be": "BE", "rbe": "rBE"}[key], "95 % interval")]
        content.append(table("Means over the severities", ["corruption", *head], rows))
    return content


def _cell(error: Mapping[str, Any] | None) -> Html:
    if error is None:
        return element("td", "")
    share = f"--share: {error['estimate']:.3f}"
    return element("td", number(error["estimate"]), element("small", _span(error)), style=share)


def _both(interval: Mapping[str, Any] | None) -> tuple[str, str]:
    return ("", "") if interval is None else (number(interval["estimate"]), _span(interval))


def _span(interval: Mapping[str, Any]) -> str:
    return "no interval" if interval["low"] is None else span(interval["low"], interval["high"])


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
