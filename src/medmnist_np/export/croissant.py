"""Describe a data set in Croissant (JSON-LD), which data set search engines and other tools read.

The format is that of https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medmnist_np.registry.records import Archive, Record

_TERMS = """
    citeAs column conformsTo(dct) data(@json) dataType(@vocab) equivalentProperty examples(@json) extract field
    fileProperty fileObject fileSet format includes isLiveDataset jsonPath key md5 parentField path recordSet
    references regex repeated replace samplingRate separator source subField transform
"""

_ENCODINGS = {"npz": "application/zip", "zip": "application/zip", "zip of npz": "application/zip"}


def croissant(record: Record) -> dict[str, Any]:
    """Return the description of a data set, ready for ``json.dumps``."""
    from medmnist_np.registry.lookup import cite

    editions = record.editions if record.can_be_fetched else ()
    described: dict[str, Any] = {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "@id": re.sub("[^a-z0-9]+", "-", record.qualified_name),
        "name": record.python_class,
        "alternateName": record.qualified_name,
        "description": "\n\n".join([record.description, *record.notes]),
        "keywords": list(dict.fromkeys(filter(None, [record.collection.title, *record.modalities, record.task]))),
        "license": _license_url(record.license),
        "citeAs": cite(record),
        "url": record.collection.homepage,
        "version": _three_numbers(record.collection.version),
        "sameAs": f"https://doi.org/{record.collection.doi}" if record.collection.doi else "",
        "distribution": [part for size in editions for part in _distribution(record, size)],
        "recordSet": [_classes(record), _splits(record), *(_arrays(record, size) for size in editions)],
    }
    return {key: value for key, value in described.items() if value}


def _context() -> dict[str, Any]:
    context: dict[str, Any] = {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "dct": "http://purl.org/dc/terms/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "sc": "https://schema.org/",
    }
    for term in _TERMS.split():
        name, _, kind = term.rstrip(")").partition("(")
        if kind.startswith("@"):
            context[name] = {"@id": f"cr:{name}", "@type": kind}
        else:
            context[name] = f"{kind or 'cr'}:{name}"
    return context


def _distribution(record: Record, size: int) -> list[dict[str, Any]]:
    """Return the archive of an edition, and the arrays in it."""
    archive = record.archive(size)
    algorithm, _, digest = archive.digest.partition(":")
    file: dict[str, Any] = {
        "@type": "cr:FileObject",
        "@id": archive.file_name,
        "name": archive.file_name,
        "contentUrl": archive.file_name if archive.url.startswith("file:") else archive.summary()["url"],
        "contentSize": f"{archive.bytes} B" if archive.bytes else "",
        "encodingFormat": _ENCODINGS.get(archive.kind, "application/x-tar"),
        algorithm: digest,
    }
    if archive.sha256:
        file["sha256"] = archive.sha256
    arrays = {
        "@type": "cr:FileSet",
        "@id": _arrays_id(archive),
        "name": f"arrays of {archive.file_name}",
        "containedIn": {"@id": archive.file_name},
        "encodingFormat": "application/x-npy" if archive.kind == "npz" else "application/octet-stream",
        "includes": "*.npy" if archive.kind == "npz" else "*",
    }
    return [{key: value for key, value in file.items() if value}, arrays]


def _arrays(record: Record, size: int) -> dict[str, Any]:
    """Return the record set with one record for each file of an archive: its name, and the split it belongs to."""
    archive = record.archive(size)
    arrays = _arrays_id(archive)
    shapes = "; ".join(f"{member.name} {member.shape} {' or '.join(member.dtypes)}" for member in archive.members)
    name = f"arrays_{size}" if size else "arrays"
    of_file = {"fileSet": {"@id": arrays}, "extract": {"fileProperty": "filename"}}
    fields = [_field(name, "file", "Name of the file in the archive.", source=of_file)]
    if archive.kind == "npz":
        splits = {**of_file, "transform": {"regex": f"^({'|'.join(record.splits)})_.*$"}}
        fields.append(_field(name, "split", "Split of the samples.", source=splits))
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"One record for each file of {archive.file_name}.{f' Arrays: {shapes}.' if shapes else ''}",
        "field": fields,
    }


def _classes(record: Record) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "classes",
        "name": "classes",
        "dataType": "sc:Enumeration",
        "key": {"@id": "classes/label"},
        "field": [
            _field("classes", "label", "Value in the arrays, or column of a multi-label set.", "sc:Integer"),
            _field("classes", "name", "Name of the class.", "sc:Text"),
        ],
        "data": [
            {"classes/label": number, "classes/name": name}
            for number, name in zip(
                range(record.n_classes) if record.multi_label else record.label_values, record.class_names, strict=True
            )
        ],
    }


def _splits(record: Record) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            _field("splits", "name", "Name of the split.", "sc:Text"),
            _field("splits", "samples", "Number of samples; 0 if it is not known.", "sc:Integer"),
        ],
        "data": [{"splits/name": name, "splits/samples": count} for name, count in record.n_samples.items()],
    }


def _field(records: str, name: str, description: str, kind: str = "sc:Text", **more: Any) -> dict[str, Any]:
    named = {"@type": "cr:Field", "@id": f"{records}/{name}", "name": name, "description": description}
    return {**named, "dataType": kind, **more}


def _arrays_id(archive: Archive) -> str:
    return f"{archive.file_name}/arrays"


def _license_url(license_: str) -> str:
    """Return the address of a Creative Commons licence; any other licence as it is."""
    if license_ in ("CC0", "CC0: Public Domain"):
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    if match := re.fullmatch(r"CC (BY(?:-[A-Z]{2})*) (\d\.\d)", license_):
        return f"https://creativecommons.org/licenses/{match[1].lower()}/{match[2]}/"
    return license_


def _three_numbers(version: str) -> str:
    """Return a version in the form that Croissant asks for, such as ``"1.0.0"`` for ``"1.0"``."""
    return ".".join([*version.split("."), "0", "0"][:3]) if version else ""
