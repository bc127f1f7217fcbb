"""Archives: named arrays and a few plain facts in one file. Nothing in a file is ever executed.

``.npz`` is a zip file of ``.npy`` members, as NumPy writes it, without compression and without pickle: ``numpy.load``
reads it too. The facts are JSON in the member `META`. ``.safetensors`` is the format of that name, with the facts among
its metadata. Both hold a version, and a checksum of all names, types, shapes and values.

Reading trusts nothing. A member is as long as the file says it is, so no small file unpacks to a large one; its header is
parsed as a literal, never run; its length must be that of its shape and type before memory is asked for; names are keys
and never paths. The checksum tells damage, not malice: who can write the file can also write its checksum.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import os
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from microgradnp.files import writing_whole

Array = Any

VERSION = 1
META = "microgradnp"
#: Bytes of JSON, and of the header of a member, that are taken for honest.
MOST_META, MOST_HEADER = 2**26, 2**14
KINDS = "biufc"


class ArchiveError(ValueError):
    """A file that is no archive of ours, or a damaged one."""


def write(path: Any, arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> None:
    """Write an archive, atomically.

    Parameters
    ----------
    path : str or Path
        Its ending says which format: ``.npz`` or ``.safetensors``.
    arrays : mapping of str to ndarray
        Of numbers.
    meta : mapping
        What JSON can hold.

    Raises
    ------
    ValueError
        If the ending is another, or an array holds no numbers.
    OSError
        If the file cannot be written, for example because the disk is full. What was there before is intact.
    """
    path = place(path)
    plain = {}
    for name, a in arrays.items():
        a = np.asarray(a)
        if a.dtype.kind not in KINDS:
            raise ValueError(f"{name} holds {a.dtype}, and only arrays of numbers are saved")
        plain[name] = np.asarray(a.astype(a.dtype.newbyteorder("<"), copy=False), order="C")
    facts = json.dumps({"version": VERSION, "names": list(plain), **meta}, default=plain_number)
    checksum = checksum_of(plain, facts)
    try:
        with writing_whole(path) as file:
            if path.suffix == ".npz":
                write_npz(file, plain, facts, checksum)
            else:
                file.write(library().save(plain, {META: facts, "checksum": checksum}))
    except OSError as error:
        reason = error.strerror or str(error)
        raise type(error)(
            error.errno, f"{path} could not be written ({reason}); what was there before is intact"
        ) from None


def read(path: Any) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and the facts of an archive, after checking all of it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ArchiveError
        If it is no archive of ours, of a later version, cut off, or damaged.
    """
    path = place(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        arrays, facts, checksum = read_npz(path) if path.suffix == ".npz" else read_safetensors(path)
    except ArchiveError as error:
        raise ArchiveError(f"{path} is not read: {error}") from None
    except Exception as error:  # whatever damage makes of the readers of formats: it means the same
        raise ArchiveError(f"{path} is no intact {path.suffix} file: {type(error).__name__}: {error}") from None
    try:
        meta = json.loads(facts)
    except (ValueError, RecursionError) as error:
        raise ArchiveError(f"{path} is not read: its facts are no JSON ({type(error).__name__})") from None
    if not isinstance(meta, dict) or not isinstance(meta.get("version"), int):
        raise ArchiveError(f"{path} is not read: it states no version")
    if meta["version"] > VERSION:
        raise ArchiveError(
            f"{path} was written by a later version of microgradnp (format {meta['version']}, this one reads {VERSION}): update"
        )
    if checksum_of(arrays, facts) != checksum:
        raise ArchiveError(f"{path} is damaged: its checksum is not that of what it holds")
    names = meta.pop("names", None)
    if not isinstance(names, list) or sorted(map(str, names)) != sorted(arrays):
        raise ArchiveError(f"{path} is damaged: it does not hold the arrays that it states")
    return {name: arrays[name] for name in names}, meta


def place(given: Any) -> Path:
    """Return a path whose ending says a format, or raise."""
    path = Path(os.fspath(given))
    if path.suffix not in (".npz", ".safetensors"):
        raise ValueError(f"{path}: the name must end in .npz or .safetensors")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is no ordinary file")
    return path


def plain_number(value: Any) -> Any:
    """Return NumPy's numbers and small arrays as JSON knows them."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be saved: only numbers, strings, lists and dicts can")


def checksum_of(arrays: Mapping[str, Array], facts: str) -> str:
    """Return the SHA-256 of all names, types, shapes and values, in the order of the names, and of the facts."""
    digest = hashlib.sha256(facts.encode())
    for name in sorted(arrays):
        a = arrays[name]
        digest.update(json.dumps([name, a.dtype.str, list(a.shape)]).encode())
        digest.update(memoryview(a.reshape(-1)).cast("B") if a.size else b"")
    return digest.hexdigest()


# -- npz ---------------------------------------------------------------------------------------------------------------


def write_npz(file: Any, arrays: Mapping[str, Array], facts: str, checksum: str) -> None:
    """Write the members one after the other, so that no second copy of all is made."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, text in ((META, facts), ("checksum", checksum)):
            add(archive, name, np.frombuffer(text.encode(), dtype=np.uint8))
        for name, a in arrays.items():
            add(archive, f"arrays/{name}", a)


def add(archive: zipfile.ZipFile, name: str, a: Array) -> None:
    """Add one array. The date is fixed: the same content gives the same bytes."""
    member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
    with archive.open(member, "w", force_zip64=True) as stream:
        np.lib.format.write_array(stream, a, allow_pickle=False)


def read_npz(path: Path) -> tuple[dict[str, Array], str, str]:
    """Return the arrays, the facts and the checksum of a zip file, trusting nothing in it."""
    size = path.stat().st_size
    arrays: dict[str, Array] = {}
    texts: dict[str, str] = {}
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > size:
            raise ArchiveError(f"its {len(members)} members claim more bytes than the file has ({size})")
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
                raise ArchiveError(f"its member {member.filename!r} is compressed, which no archive of ours is")
            if not member.filename.endswith(".npy"):
                raise ArchiveError(f"its member {member.filename!r} is no array")
            name = member.filename.removesuffix(".npy")
            text = name in (META, "checksum")
            if not text and not name.startswith("arrays/"):
                raise ArchiveError(f"its member {member.filename!r} is none of an archive of ours")
            if name in texts or name.removeprefix("arrays/") in arrays:
                raise ArchiveError(f"it has two members {member.filename!r}")
            if text and member.file_size > MOST_META:
                raise ArchiveError(f"its member {member.filename!r} of {member.file_size} bytes is too large")
            a = parsed(archive.read(member), member.filename)  # which also compares the CRC-32
            if text:
                texts[name] = a.tobytes().decode()
            else:
                arrays[name.removeprefix("arrays/")] = a
    for name in (META, "checksum"):
        if name not in texts:
            raise ArchiveError(f"it has no member {name!r}: microgradnp did not write it, or it is cut off")
    return arrays, texts[META], texts["checksum"]


def parsed(content: bytes, name: str) -> Array:
    """Return the array of a ``.npy`` file. What states no plain numbers, or not as many as there are bytes, is refused.

    Examples
    --------
    >>> from io import BytesIO
    >>> stream = BytesIO()
    >>> np.save(stream, np.arange(3.0))
    >>> parsed(stream.getvalue(), "x.npy")
    array([0., 1., 2.])
    """
    if content[:6] != b"\x93NUMPY" or len(content) < 12:
        raise ArchiveError(f"its member {name!r} is no array in NumPy's format")
    major = content[6]
    start = 10 if major == 1 else 12
    (length,) = struct.unpack("<H" if major == 1 else "<I", content[8:start])
    if major not in (1, 2, 3) or length > MOST_HEADER or start + length > len(content):
        raise ArchiveError(f"its member {name!r} has a header of {length} bytes, format {major}")
    try:
        header = ast.literal_eval(content[start : start + length].decode("utf-8"))
        descr, shape = header["descr"], header["shape"]
        if not isinstance(descr, str) or not isinstance(shape, tuple) or header["fortran_order"] not in (True, False):
            raise TypeError
        if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 64:
            raise TypeError
        dtype = np.dtype(descr)
    except (ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError):
        raise ArchiveError(f"its member {name!r} has a header that makes no sense") from None
    if dtype.kind not in KINDS:
        raise ArchiveError(f"its member {name!r} holds {dtype}, not numbers; objects are never read")
    there, stated = len(content) - start - length, math.prod(shape) * dtype.itemsize
    if there != stated:
        raise ArchiveError(f"its member {name!r} states {stated} bytes ({dtype}, shape {shape}), but has {there}")
    flat = np.frombuffer(content, dtype, offset=start + length)
    return np.array(flat.reshape(shape, order="F" if header["fortran_order"] else "C"), order="C")


# -- safetensors -------------------------------------------------------------------------------------------------------


def library() -> Any:
    """Return the library, which is an optional extra."""
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            "files that end in .safetensors need the library of that name: pip install 'microgradnp[safetensors]', or use .npz"
        ) from None
    return safetensors.numpy


def read_safetensors(path: Path) -> tuple[dict[str, Array], str, str]:
    """Return the arrays, the facts and the checksum of such a file; the library checks its structure."""
    with open(path, "rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        if not 2 <= length <= MOST_META or length > path.stat().st_size - 8:
            raise ArchiveError(f"it states a header of {length} bytes")
        header = json.loads(file.read(length))
    facts = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    if META not in facts or "checksum" not in facts:
        raise ArchiveError("microgradnp did not write it: it has no facts of ours")
    arrays = {name: np.array(a) for name, a in library().load_file(path).items()}
    return arrays, facts[META], facts["checksum"]
