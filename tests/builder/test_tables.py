"""Tables as people have them: delimiters, encodings, names of columns, paths, and forms of labels."""

from __future__ import annotations

import csv
import io
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, strategies as st

import medmnist_np as mm
from medmnist_np.builder.labels import Ambiguous, Classes, Source
from medmnist_np.builder.sources import read_source
from medmnist_np.builder.tables import _cells, lists_images
from medmnist_np.cli.build import build as command
from medmnist_np.cli.output import with_options
from tests.builder.pictures import noise, save

NOTHING = dict.fromkeys(("images", "labels", "masks", "groups", "splits"))
MULTI_LABEL = "multi-label, binary-class"


def source_of(source: Path, **options: Any) -> Source:
    task, names = options.pop("task", None), options.pop("class_names", None)
    given = {**NOTHING, "classes": Classes(names, task), **options}
    return read_source(source, source.parent / "workshop", **given)


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def paths(source: Source, folder: Path) -> list[str]:
    return [row.file.relative_to(folder).as_posix() for row in source.rows]


def names_of(source: Source) -> list[str]:
    return [source.labels.class_names[number] for (number,) in source.labels.table.tolist()]


# Text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_encodings_and_line_ends_are_detected(
    tmp_path: Path, delimiter: str, encoding: str, end: str
) -> None:
    rows = [["image", "label", "age"], ["1.png", "größer", "1"], ["2.png", "a", "2"]]
    file = written(tmp_path / "t.csv", end.join(map(delimiter.join, rows)) + end, encoding)
    files(tmp_path, "1.png", "2.png")
    assert names_of(source_of(file)) == ["größer", "a"]


@pytest.mark.parametrize(
    "text",
    [
        "image;label;dose\n1.png;a;0,5\n2.png;b;1,5\n",  # decimal commas
        'image,label,note\n1.png,a,"x; y; z"\n2.png,b,"line\nbreak"\n',
        "image;label;note, long\n1.png;a;\n2.png;b;c, d\n",
        "image;label;;\n1.png;a;;\n2.png;b;;\n;;;\n",  # empty columns and lines of a spreadsheet
        ",image,label\n0,1.png,a\n1,2.png,b\n",  # the index of pandas
        "image,label\n1.png,a,,\n2.png,b,,\n",
    ],
)
def test_tables_of_spreadsheets_and_pandas_are_read(tmp_path: Path, text: str) -> None:
    files(tmp_path, "1.png", "2.png")
    assert names_of(source_of(written(tmp_path / "t.csv", text))) == ["a", "b"]


def test_a_table_in_windows_1252_is_read_with_a_note(tmp_path: Path) -> None:
    files(tmp_path, "1.png", "2.png")
    found = source_of(written(tmp_path / "t.csv", "image;label\n1.png;gutartig\n2.png;bösartig\n", "cp1252"))
    assert names_of(found) == ["gutartig", "bösartig"]
    assert "t.csv is not in UTF-8 and was read as Windows-1252 (Latin-1). Check the class names." in found.notes


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"image,label\n\x81,b\n")
    with pytest.raises(ValueError, match=r"t\.csv is not a table in UTF-8 or Windows-1252: .* Save it as UTF-8\."):
        source_of(tmp_path / "t.csv")


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6).filter(
    lambda text: text == text.strip() and "\ufeff" not in text
)


@given(
    rows=st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=2, max_size=5)),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_table_reads_back_the_rows_that_were_written(
    rows: list[list[str]], delimiter: str, encoding: str, end: str
) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows(rows)
    with tempfile.TemporaryDirectory() as folder:
        columns, lines, notes = _cells(written(Path(folder, "t.csv"), stream.getvalue(), encoding))
    assert [columns, *(cells for _, cells in lines)] == rows
    assert notes == []


# Columns


@pytest.mark.parametrize(
    ("head", "read"),
    [
        ("filename,dx", "images from filename; labels from dx"),
        ("Image Index,Finding Labels", "images from Image Index; labels from Finding Labels"),
        ("id_code,diagnosis", "images from id_code; labels from diagnosis"),
        ("img-id,level", "images from img-id; labels from level"),  # the only other column
    ],
)
def test_usual_names_of_columns_are_recognised_and_reported(tmp_path: Path, head: str, read: str) -> None:
    files(tmp_path, "1.png", "2.png")
    found = source_of(written(tmp_path / "t.csv", f"{head}\n1.png,a\n2.png,b\n"))
    assert names_of(found) == ["a", "b"]
    assert found.notes == (f"Columns: {read}.",)


def test_a_column_of_patients_is_the_group_unless_it_is_switched_off(tmp_path: Path) -> None:
    files(tmp_path, "1.png", "2.png")
    table = written(tmp_path / "t.csv", "image,label,Patient ID,set\n1.png,a,7,Training\n2.png,b,8,test\n")
    found = source_of(table)
    assert found.groups == ("7", "8")
    assert found.group == "Patient ID"
    assert found.splits == ("train", "test")
    assert source_of(table, group_by="").groups is None


def test_a_recognised_group_that_is_unknown_is_refused_with_the_way_out(tmp_path: Path) -> None:
    files(tmp_path, "1.png", "2.png")
    table = written(tmp_path / "t.csv", "image,label,lesion_id\n1.png,a,7\n2.png,b,\n")
    with pytest.raises(ValueError, match=r"has no group.* To ignore the column 'lesion_id', use group_by=''\."):
        source_of(table)


def test_the_command_shows_how_to_switch_groups_off() -> None:
    assert with_options("use group_by=''.", command) == "use --group-by ''."


def test_several_columns_of_labels_are_ambiguous(tmp_path: Path) -> None:
    files(tmp_path, "1.png", "2.png")
    table = written(tmp_path / "t.csv", "image,diagnosis,target\n1.png,nv,0\n2.png,mel,1\n")
    with pytest.raises(Ambiguous, match="several columns that may hold the label: diagnosis, target") as caught:
        source_of(table)
    assert caught.value.readings == ({"label": "diagnosis"}, {"label": "target"})
    assert names_of(source_of(table, label="target")) == ["0", "1"]


def test_columns_are_named_by_arguments(tmp_path: Path) -> None:
    files(tmp_path, "1.png", "2.png")
    table = written(tmp_path / "t.csv", "scan,who,what,where,image\n1.png,p,a,test,x\n2.png,q,b,train,y\n")
    found = source_of(table, image="scan", label="what", group_by="who", split_column="where")
    assert names_of(found) == ["a", "b"]
    assert found.groups == ("p", "q")
    assert found.splits == ("test", "train")


@pytest.mark.parametrize("argument", ["image", "label", "group_by", "split_column"])
def test_an_unknown_column_is_refused(tmp_path: Path, argument: str) -> None:
    table = written(tmp_path / "t.csv", "image,label\n1.png,a\n")
    with pytest.raises(ValueError, match=r"has no column 'lable'\. Did you mean 'label'"):
        source_of(table, **{argument: "lable"})


@pytest.mark.parametrize("argument", ["image", "label", "group_by", "split_column"])
def test_a_column_needs_a_table(tmp_path: Path, argument: str) -> None:
    for name in ("a/1.png", "b/2.png"):
        save(tmp_path / "in" / name, noise(0))
    with pytest.raises(ValueError, match=rf"{argument} names a column of a table\. Give that table with labels="):
        source_of(tmp_path / "in", **{argument: "x"})


# Files


@pytest.mark.parametrize(
    ("value", "file"),
    [
        ("1.png", "part_1/1.png"),
        ("1", "part_1/1.png"),
        ("1.PNG", "part_1/1.png"),
        (r"part_1\1.png", "part_1/1.png"),
        (r"C:\scans\part_1\1.png", "part_1/1.png"),
        ("/kaggle/input/x/part_2/3.jpg", "part_2/3.jpg"),
        ("./part_2/3.jpg", "part_2/3.jpg"),
        ("scans/3", "deep/scans/3.nii.gz"),
    ],
)
def test_files_are_found_below_the_folder(tmp_path: Path, value: str, file: str) -> None:
    files(tmp_path, "part_1/1.png", "part_2/2.png", "part_2/3.jpg", "deep/scans/3.nii.gz")
    found = source_of(written(tmp_path / "t.csv", f"image,label\n{value},a\n2.png,b\n"))
    assert paths(found, tmp_path) == [file, "part_2/2.png"]


def test_a_file_in_another_folder_is_not_taken_for_a_missing_one(tmp_path: Path) -> None:
    files(tmp_path, "p2/001.png", "p2/002.png")
    found = source_of(written(tmp_path / "t.csv", "image,label\n/x/p1/001.png,a\np2/001.png,a\np2/002.png,b\n"))
    assert paths(found, tmp_path) == ["p2/001.png", "p2/002.png"]
    assert found.alone == ((f"{tmp_path / 't.csv'}, line 2 (/x/p1/001.png)", "there is no such file"),)


def test_a_name_of_two_files_is_refused_with_both(tmp_path: Path) -> None:
    files(tmp_path, "x/1.png", "y/1.png")
    both = f"(1) may be {tmp_path / 'x' / '1.png'} or {tmp_path / 'y' / '1.png'}. Write the folder too"
    with pytest.raises(ValueError, match=re.escape(both)):
        source_of(written(tmp_path / "t.csv", "image,label\n1,a\n2,b\n"))


def test_missing_images_are_counted_and_may_be_left_out(tmp_path: Path) -> None:
    for number in range(20):
        save(tmp_path / "in" / f"{number}.png", noise(number))
    lines = "".join(f"{number}.png,{'ab'[number % 2]}\n" for number in range(25))
    table = written(tmp_path / "t.csv", f"image,label\n{lines}")
    with pytest.raises(ValueError, match=r"5 were not found: .*\(20.png\), .*\(21.png\), .*\(22.png\), \.\.\.\. "):
        mm.build(tmp_path / "in", labels=table, name="five")
    built = mm.build(tmp_path / "in", labels=table, name="five", skip_bad=True)
    assert len(built.skipped) == 5
    assert "5 of 25 images could not be used and were left out." in built.record.notes


def test_a_table_of_which_no_image_is_found_names_some(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", "image,label\n1,a\n2,b\n")
    with pytest.raises(
        ValueError, match=r"None of the 2 images in the column 'image' of .* were found below .*: 1, 2\."
    ):
        source_of(table)


def test_images_that_the_table_does_not_list_are_counted(tmp_path: Path) -> None:
    for number in range(30):
        save(tmp_path / "in" / f"{number}.png", noise(number))
    lines = "".join(f"{number},{'ab'[number % 2]}\n" for number in range(20))
    built = mm.build(tmp_path / "in", labels=written(tmp_path / "t.csv", f"image,label\n{lines}"), name="ten")
    assert "Left out, since the table does not list them: 10 of the images in the folder." in built.notes
    assert "Images of the source that are not in its table: 10." in built.record.notes


# Labels


@pytest.mark.parametrize("zero_one", [("0", "1"), ("0.0", "1.0"), ("False", "True"), ("FALSE", "TRUE")])
@pytest.mark.parametrize("exclusive", [True, False])
def test_columns_of_zeros_and_ones_are_classes_or_findings(
    tmp_path: Path, zero_one: tuple[str, str], exclusive: bool
) -> None:
    no, yes = zero_one
    rows = [["ISIC_1", yes, no, no], ["ISIC_2", no, no, yes], ["ISIC_3", no, yes, no if exclusive else yes]]
    files(tmp_path, *(f"{row[0]}.jpg" for row in rows))
    table = written(tmp_path / "t.csv", "\n".join(map(",".join, [["image", "MEL", "NV", "BCC"], *rows])))
    found = source_of(table)
    assert found.labels.class_names == ("MEL", "NV", "BCC")
    if exclusive:
        assert found.labels.table.tolist() == [[0], [2], [1]]
        assert found.labels.task == "multi-class"
        assert source_of(table, task=MULTI_LABEL).labels.task == MULTI_LABEL
    else:
        assert found.labels.table.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 1]]
        assert found.labels.task == MULTI_LABEL


def test_a_group_that_is_switched_off_is_not_a_label(tmp_path: Path) -> None:
    files(tmp_path, "1.png", "2.png")
    table = written(tmp_path / "t.csv", "image,MEL,NV,patient_id,id\n1,0,1,7,x\n2,1,0,8,y\n")
    assert source_of(table, group_by="").labels.class_names == ("MEL", "NV")


def test_labels_that_are_whole_numbers_with_a_point_are_numbers(tmp_path: Path) -> None:
    files(tmp_path, "1.png", "2.png")
    assert names_of(source_of(written(tmp_path / "t.csv", "image,label\n1,0.0\n2,1.0\n"))) == ["0", "1"]


NIH = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age\n"


def test_findings_with_bars_are_a_multi_label_task(tmp_path: Path) -> None:
    files(tmp_path, *(f"images_00{n}/{n}.png" for n in (1, 2, 3)))
    rows = "1.png,Edema|Mass,0,1,58Y\n2.png,No Finding,1,1,59Y\n3.png,Mass,0,2,60Y\n"
    found = source_of(tmp_path, labels=written(tmp_path / "Data_Entry_2017.csv", NIH + rows))
    assert found.labels.class_names == ("Edema", "Mass")
    assert found.labels.table.tolist() == [[1, 1], [0, 0], [0, 1]]
    assert found.labels.task == MULTI_LABEL
    assert found.groups == ("1", "1", "2")
    found = source_of(tmp_path, labels=tmp_path / "Data_Entry_2017.csv", class_names=["Mass", "Edema"])
    assert found.labels.table.tolist() == [[1, 1], [0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("label", "message"),
    [("No Finding|Mass", "states findings and 'No Finding'"), ("Mass|", "has an empty finding"), ("", "has no label")],
)
def test_findings_that_contradict_one_another_are_refused(tmp_path: Path, label: str, message: str) -> None:
    files(tmp_path, "1.png", "2.png")
    with pytest.raises(ValueError, match=message):
        source_of(written(tmp_path / "t.csv", f"{NIH}1.png,Edema|Mass,0,1,9\n2.png,{label},0,2,9\n"))


def test_the_table_of_ham10000_is_read_without_options(tmp_path: Path) -> None:
    files(tmp_path, "HAM10000_images_part_1/ISIC_1.jpg", "HAM10000_images_part_2/ISIC_2.jpg")
    head = "lesion_id,image_id,dx,dx_type,age,sex,localization\n"
    table = written(
        tmp_path / "HAM10000_metadata.csv", f"{head}H1,ISIC_1,bkl,histo,80,male,scalp\nH2,ISIC_2,nv,x,1,f,y\n"
    )
    found = source_of(tmp_path, labels=table)
    assert names_of(found) == ["bkl", "nv"]
    assert found.groups == ("H1", "H2")


# Patients


@pytest.mark.parametrize(
    ("places", "how"),
    [
        (["a/P1/x.png", "a/P1/y.png", "b/P2/x.png"], "the name of a folder"),
        (["a/P1.png", "b/P2.png"], "the name of the file"),
        (["a/P1-2.png", "a/P1_1.png", "b/P2 1.png"], "the start of the file name"),
    ],
)
def test_a_table_of_patients_gives_class_folders_their_groups(tmp_path: Path, places: Sequence[str], how: str) -> None:
    folder = files(tmp_path / "in", *places)
    table = written(tmp_path / "patients.csv", "patient_id;age;sex\nP1;50;f\nP2;60;m\nP3;70;m\n")
    found = source_of(folder, labels=table)
    assert paths(found, folder) == list(places)
    assert found.labels.class_names == ("a", "b")
    assert found.groups == tuple("P1" if "P1" in place else "P2" for place in places)
    assert f"Images were joined to the table by patient_id, which is {how}." in found.notes
    assert "Values of patient_id without images: 1." in found.notes


def test_a_table_of_patients_may_state_their_labels(tmp_path: Path) -> None:
    folder = files(tmp_path / "in", "P1/x.png", "P1/y.png", "P2/x.png")
    found = source_of(folder, labels=written(tmp_path / "t.csv", "patient,diagnosis\nP1,nv\nP2,mel\n"))
    assert names_of(found) == ["nv", "nv", "mel"]
    assert found.groups == ("P1", "P1", "P2")


def test_images_of_no_patient_are_refused(tmp_path: Path) -> None:
    folder = files(tmp_path / "in", "a/P1_1.png", "a/other.png", "b/P2_1.png")
    table = written(tmp_path / "patients.csv", "patient_id,age\nP1,50\nP2,60\n")
    with pytest.raises(ValueError, match=r"1 of 3 images below .* exactly one value of patient_id: a/other.png\."):
        source_of(folder, labels=table)


def test_contradictory_lines_of_a_patient_are_refused(tmp_path: Path) -> None:
    folder = files(tmp_path / "in", "P1/x.png", "P2/x.png")
    table = written(tmp_path / "t.csv", "patient,diagnosis\nP1,nv\nP2,mel\nP1,mel\n")
    with pytest.raises(ValueError, match=r"line 4 and .*line 2 state different values for the same patient\."):
        source_of(folder, labels=table)


# Excel and Parquet

FRAME = pd.DataFrame(
    {"image_id": ["1", "2", "3"], "dx": ["NA", "nv", "nv"], "patient_id": [7, 8, 9], "new": [True, False, True]}
)


def test_an_excel_file_is_read(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    files(tmp_path, "1.png", "2.png", "3.png")
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        FRAME.to_excel(book, sheet_name="images", index=False)
        FRAME.to_excel(book, sheet_name="old")
    found = source_of(tmp_path / "t.xlsx")
    assert names_of(found) == ["NA", "nv", "nv"]
    assert found.groups == ("7", "8", "9")
    assert found.notes[0] == "t.xlsx has 2 sheets, of which the first was read."
    assert names_of(source_of(tmp_path / "t.xlsx", label="new")) == ["True", "False", "True"]


def test_a_parquet_file_is_read(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    files(tmp_path, "1.png", "2.png", "3.png")
    FRAME.to_parquet(tmp_path / "t.parquet")
    found = source_of(tmp_path / "t.parquet")
    assert names_of(found) == ["NA", "nv", "nv"]
    assert found.groups == ("7", "8", "9")


def test_an_excel_file_needs_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(ModuleNotFoundError, match="pandas, which is not installed"):
        source_of(tmp_path / "t.xlsx")
    assert not lists_images(tmp_path / "t.xlsx")
