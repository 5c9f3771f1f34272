"""Every fact of the registry, walked."""

from __future__ import annotations

import hashlib
import json
import re
from urllib.parse import urlsplit

import pytest

from medmnist_np import registry
from medmnist_np.registry import DatasetInfo

RECORDS = registry.datasets()
ARCHIVES = [(record, size, archive) for record in RECORDS for size, archive in record.archives.items()]

each_record = pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)


def test_there_are_eighteen_sets_in_sixty_archives() -> None:
    assert len(RECORDS) == 18
    assert len(registry.datasets(ndim=2)) == 12
    assert len(registry.datasets(ndim=3)) == 6
    assert len(ARCHIVES) == 60


def test_counts_add_up_to_the_published_totals() -> None:
    assert {
        ndim: sum(sum(record.n_samples.values()) for record in registry.datasets(ndim=ndim)) for ndim in (2, 3)
    } == {2: 707_962, 3: 9_996}


@each_record
def test_sizes_and_splits_are_those_of_the_collection(record: DatasetInfo) -> None:
    assert ((28, 64, 128, 224) if record.ndim == 2 else (28, 64)) == record.sizes
    assert record.splits == ("train", "val", "test")
    assert all(count > 0 for count in record.n_samples.values())


@each_record
def test_a_class_is_named_as_its_set(record: DatasetInfo) -> None:
    assert record.name == record.python_class.lower()


@each_record
def test_every_text_is_there_and_tidy(record: DatasetInfo) -> None:
    texts = [record.description, record.modality, record.license, *record.class_names, *record.notes]
    texts += [record.source_size, record.preparation]
    assert [text for text in texts if not text or text != text.strip()] == []


@each_record
def test_the_license_is_a_creative_commons_one(record: DatasetInfo) -> None:
    assert ("CC BY-NC 4.0" if record.name == "dermamnist" else "CC BY 4.0") == record.license


def test_digests_are_md5_and_no_two_archives_share_one() -> None:
    digests = [archive.digest for _, _, archive in ARCHIVES]
    digests += [old.digest for _, _, archive in ARCHIVES for old in archive.superseded]
    assert all(re.fullmatch("md5:[0-9a-f]{32}", digest) for digest in digests)
    assert sorted(set(digests)) == sorted(digests)


@pytest.mark.parametrize(("record", "size", "archive"), ARCHIVES, ids=lambda value: getattr(value, "file_name", ""))
def test_an_archive_is_named_and_found_as_its_set_and_size_say(record: DatasetInfo, size: int, archive) -> None:
    assert f"{record.name}{'' if size == 28 else f'_{size}'}.npz" == archive.file_name
    url = urlsplit(archive.url)
    assert url.scheme == "https"
    assert url.netloc == "zenodo.org"
    assert f"/records/10519652/files/{archive.file_name}" == url.path
    assert (record, size, None) == registry.find_archive(archive.digest)


@pytest.mark.parametrize(("record", "size", "archive"), ARCHIVES, ids=lambda value: getattr(value, "file_name", ""))
def test_members_have_the_shapes_of_the_record(record: DatasetInfo, size: int, archive) -> None:
    image = (size,) * record.ndim + ((3,) if record.n_channels == 3 else ())
    expected = {
        f"{split}_{role}": (count, *shape)
        for split, count in record.n_samples.items()
        for role, shape in (("images", image), ("labels", (14 if record.name == "chestmnist" else 1,)))
    }
    assert expected == {member.name: member.shape for member in archive.members}


def test_storage_keys_differ() -> None:
    keys = [record.storage_key(size) for record, size, _ in ARCHIVES]
    assert sorted(set(keys)) == sorted(keys)
    assert "medmnist/pathmnist_28-a8b06965" in keys


def test_superseded_archives_are_recognised_by_their_digest() -> None:
    old = {
        (record.name, size): [found.digest for found in archive.superseded]
        for record, size, archive in ARCHIVES
        if archive.superseded
    }
    sets = ["nodulemnist3d", "organamnist", "organcmnist", "organmnist3d", "organsmnist", "vesselmnist3d"]
    assert [(name, 28) for name in sets] == sorted(old)
    for (name, size), digests in old.items():
        for digest in digests:
            record, found_size, superseded = registry.find_archive(digest)
            assert name == record.name
            assert size == found_size
            assert digest == superseded.digest
            assert superseded.seen_in_version
            assert set(record.splits) == set(superseded.n_samples)


def test_a_digest_that_nobody_knows_is_no_archive() -> None:
    assert registry.find_archive(f"md5:{'0' * 32}") is None


def test_sizes_that_are_enlargements_are_marked() -> None:
    expected = {"bloodmnist": (224,), "nodulemnist3d": (64,), "tissuemnist": (64, 128, 224)}
    assert expected == {record.name: record.enlarged_sizes for record in RECORDS if record.enlarged_sizes}


def test_zero_means_malignant_in_breastmnist() -> None:
    assert registry.info("breastmnist").class_names == ("malignant", "normal, benign")


@each_record
def test_citations_resolve_and_are_well_formed_bibtex(record: DatasetInfo) -> None:
    keys = [*record.collection.citations, *record.citations]
    entries = registry.cite(record.name).split("\n\n")
    assert keys == re.findall(r"^@[a-z]+\{(\w+),$", registry.cite(record.name), flags=re.MULTILINE)
    assert bool(record.citations) == (record.name != "adrenalmnist3d")  # whose data was first published with MedMNIST
    for entry in entries:
        assert entry.count("{") == entry.count("}")
        assert entry.endswith("\n}")
        lines = [line for line in entry.splitlines() if not line.startswith("% ")]
        fields = dict(re.findall(r"^  (\w+) += \{(.+)\},$", entry, flags=re.MULTILINE))
        assert len(lines) - 2 == len(fields)
        assert {"title", "author", "year"} <= set(fields)
        assert re.fullmatch(r"[A-Za-z ]+", fields.get("journal", "none"))
        assert all(re.fullmatch(r"\d+", fields[name]) for name in ("volume", "number") if name in fields)
        assert re.fullmatch(r"\d+(--\d+(\.e\d+)?)?", fields.get("pages", "1"))


def test_an_article_is_cited_by_journal_volume_number_and_pages() -> None:
    fields = """
  journal       = {Scientific Data},
  volume        = {10},
  number        = {1},
  pages         = {41},
  year          = {2023},
  doi           = {10.1038/s41597-022-01721-8},
"""
    assert fields in registry.cite("breastmnist")
    assert "  pages         = {191--195},\n" in registry.cite("breastmnist")


def test_a_doi_that_is_not_checked_is_no_field() -> None:
    cited = registry.cite("vesselmnist3d")
    entry = cited[cited.index("@inproceedings{yang2020,") :]
    assert "doi " not in entry
    assert "\n% Not verified: doi 10.1109/CVPR42600.2020.00273\n@inproceedings{yang2020,\n" in cited


@each_record
def test_a_record_reads_well(record: DatasetInfo) -> None:
    text = repr(record)
    assert text.splitlines()[0] == f"{record.python_class} ({record.name})"
    assert all(name in text for name in (*record.class_names, record.license, record.task))
    assert all(f"{size} (enlarged)" in text for size in record.enlarged_sizes)
    assert f"{sum(record.n_samples.values()):,} in all" in text


def test_the_official_dict_is_equal_to_that_of_the_official_package() -> None:
    text = json.dumps(registry.official_info(), sort_keys=True)
    # Of medmnist 3.0.2.
    expected = "2ac1ed0b645696c9e7f962562b81885b4a4a450e5ca01a03db9bbd33bd3948af"
    assert expected == hashlib.sha256(text.encode()).hexdigest()


def test_the_official_dict_is_in_the_official_order_and_new_each_time() -> None:
    first = registry.official_info()
    assert [record.name for record in RECORDS] == list(first)
    first["pathmnist"]["label"].clear()
    assert registry.official_info()["pathmnist"]["label"]["0"] == "adipose"
