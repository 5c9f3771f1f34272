"""Papers to cite, and published test scores."""

from __future__ import annotations

from dataclasses import dataclass

from medmnist_np.errors import RecordError


@dataclass(frozen=True, slots=True)
class Citation:
    """A paper.

    ``venue`` is the name of the journal or the proceedings. ``doi_checked`` is false if the DOI was not confirmed by a
    second source. ``note`` is for maintainers and not printed.
    """

    key: str
    type: str
    title: str
    authors: str
    venue: str
    year: int
    volume: str = ""
    number: str = ""
    pages: str = ""
    doi: str = ""
    arxiv: str = ""
    doi_checked: bool = False
    note: str = ""

    def bibtex(self) -> str:
        """Return the entry in BibTeX, with the authors as ``Last, F`` joined by ``and``.

        An unchecked DOI is written as a comment above the entry; BibTeX ignores all text outside entries.
        """
        where = "booktitle" if self.type == "inproceedings" else "howpublished" if self.type == "misc" else "journal"
        fields = {
            "title": "{" + self.title + "}",
            "author": _bibtex_authors(self.authors),
            where: self.venue,
            "volume": self.volume,
            "number": self.number,
            "pages": self.pages.replace("-", "--"),
            "year": str(self.year),
            "doi": self.doi if self.doi_checked else "",
            "eprint": self.arxiv,
            "archiveprefix": "arXiv" if self.arxiv else "",
        }
        comment = [f"% Not verified: doi {self.doi}"] if self.doi and not self.doi_checked else []
        lines = [f"  {name:<13} = {{{value}}}," for name, value in fields.items() if value]
        return "\n".join([*comment, f"@{self.type}{{{self.key},", *lines, "}"])


@dataclass(frozen=True, slots=True)
class Baseline:
    """The published scores of a method on a test split."""

    method: str
    AUC: float
    ACC: float

    def __post_init__(self) -> None:
        if not (0 <= self.AUC <= 1 and 0 <= self.ACC <= 1):
            raise RecordError(f"{self.method}: AUC {self.AUC} or ACC {self.ACC} must be between 0 and 1.")


@dataclass(frozen=True, slots=True)
class Baselines:
    """The published scores of one data set, with their source and notes."""

    rows: tuple[Baseline, ...]
    paper: str
    copied_from: str
    notes: tuple[str, ...]


def _bibtex_authors(authors: str) -> str:
    """``"Yang J, Shi R, and others"`` -> ``"Yang, J and Shi, R and others"``."""
    people = [person.strip().removeprefix("and ") for person in authors.split(",")]
    named = [", ".join(person.rsplit(" ", 1)) if person != "others" else person for person in people if person]
    return " and ".join(named)
