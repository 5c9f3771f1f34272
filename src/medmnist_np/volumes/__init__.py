"""Sets of volumes that differ in size: from NIfTI files in an archive or a folder to flat, mapped arrays.

In the order of the flow: ``files`` (where the files lie), ``layouts`` (which file is what), ``nifti`` (what one holds),
``decoding`` (all of them, once) and ``preparing``, which leads through them under a lock.

From there on: ``ragged`` (all volumes as views), ``windows`` and ``cutting`` (parts of them, and where they lie),
``labelled`` (where masks have labels), ``cases`` (which of them), and what users open, ``dataset`` and ``windowed``.
"""
