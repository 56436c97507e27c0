"""A release: a trained model as plain arrays and JSON, sealed by digests. Nothing in it can execute.

models/<name>/
├── release.json   labels, settings, calibration, policy, metrics, corpora, golden messages, digests
├── CARD.md        the same for people
├── slots.npy      the feature table (hash tags and feature indices) and
├── pilots.npy     what places n-grams in it
├── rows.npy       16 bytes per feature: its document frequency class and six weights
├── idf.npy        inverse document frequency of each class
├── piece_*.npy    the commonest words with the features they hold
├── severity_*.npy the same four for the model of severity
└── curves.npy     per label: threshold, true and false positives out of fold
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier import codepoints
from classifier.errors import ReleaseError
from classifier.guidelines import LABELS
from classifier.kernels.copying import STRIDE
from classifier.kernels.lookup import INDEX
from classifier.kernels.ngrams import NgramRanges
from classifier.kernels.pieces import ARRAYS as PIECES
from classifier.policy import Curve, Policy
from classifier.severity import DETAILS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

    from numpy.typing import NDArray

__all__ = ["Release", "load_release", "release_folder", "save_release"]

FORMAT = 4
_MAX_IDF = 100.0  # 1 + ln of the number of messages: a hundred is beyond any
MAIN = {"slots": np.uint64, "pilots": np.uint16, "rows": np.int16, "idf": np.float64, "curves": np.float32}
SEVERITY = {"severity_slots": np.uint64, "severity_pilots": np.uint16, "severity_rows": np.int16,
            "severity_idf": np.float64}  # fmt: skip
ARRAYS = {**MAIN, **PIECES, **SEVERITY}
SEVERITY_NGRAMS = (1, 3, 1, 5)  # shortest and longest of words and characters in the model of severity
MAX_JSON = 16 << 20


@dataclass(frozen=True)
class Release:
    """Everything a trained model consists of.

    ``arrays`` holds `ARRAYS` (``rows`` of shape (n_features, 8), ``curves`` of shape (6, n_thresholds, 3), padded with
    NaN; those of `SEVERITY` empty without a model of it). ``settings`` holds the n-gram ranges and what else fixes the
    features; ``coefficients`` the steps, intercepts and calibration of each label, each a list of six numbers, and
    those of ``severity``; ``record`` what else is told: metrics, corpora with their licences, library versions, golden
    messages.
    """

    name: str
    arrays: Mapping[str, NDArray[Any]]
    settings: Mapping[str, Any]
    coefficients: Mapping[str, Any]
    counts: Mapping[str, tuple[float, float]]
    policy: Policy
    record: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    @property
    def id(self) -> str:
        """Name and digest: what every result carries."""
        return f"{self.name}@{self.digest[:12]}"

    @property
    def ranges(self) -> NgramRanges:
        """The n-grams it reads."""
        word_min, word_max = self.settings["word_ngrams"]
        char_min, char_max = self.settings["char_ngrams"]
        return NgramRanges(word_min, word_max, char_min, char_max, int(bool(self.settings.get("contacts"))))

    @property
    def curves(self) -> dict[str, Curve]:
        """The out-of-fold curve of each label."""
        curves = {}
        for i, label in enumerate(LABELS):
            points = self.arrays["curves"][i]
            points = points[~np.isnan(points[:, 0])]
            curves[label] = Curve(
                points[:, 0], points[:, 1].astype(float), points[:, 2].astype(float), *self.counts[label]
            )
        return curves


def no_severity() -> dict[str, NDArray[Any]]:
    """The arrays of a release that has no model of severity."""
    return {name: np.zeros((0, 8) if name == "severity_rows" else 0, dtype) for name, dtype in SEVERITY.items()}


def stacked_curves(curves: Mapping[str, Curve]) -> NDArray[np.float32]:
    """Curves as the array a release stores."""
    thinned = [curves[label].thinned() for label in LABELS]
    stacked = np.full((len(thinned), max(len(curve.thresholds) for curve in thinned), 3), np.nan, np.float32)
    for i, curve in enumerate(thinned):
        stacked[i, : len(curve.thresholds)] = np.column_stack(
            [curve.thresholds, curve.true_positives, curve.false_positives]
        )
    return stacked


def cleaning_digest() -> str:
    """The digest of the cleaning tables; a release scores alike only with the tables it was trained with."""
    tables = codepoints.load()
    digest = hashlib.sha256()
    for array in vars(tables).values():
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def release_folder(name: str | Path | None = None) -> Path:
    """The folder of a release: the shipped one by default, else the path given."""
    if name is not None:
        return Path(name)
    here = Path(__file__).resolve().parent
    for folder in (here / "models" / "default", here.parents[1] / "models" / "default"):
        if (folder / "release.json").is_file():
            return folder
    raise ReleaseError("the shipped release is missing", where=str(here), todo="install the package again")


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _identity(content: Mapping[str, Any]) -> str:
    """The digest of what decides scores and recommendations."""
    keys = ("format", "labels", "cleaning", "settings", "coefficients", "counts", "policy")
    arrays = {name: digest for name, digest in content["files"].items() if name.endswith(".npy")}
    return hashlib.sha256(_canonical({key: content[key] for key in keys} | {"files": arrays})).hexdigest()


def save_release(release: Release, folder: str | Path, card: str) -> Release:
    """Write a release and its card to ``folder``; return it with its digest."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, dtype in ARRAYS.items():
        with _replacing(folder / f"{name}.npy") as file:
            np.save(file, np.ascontiguousarray(release.arrays[name], dtype), allow_pickle=False)
    with _replacing(folder / "CARD.md") as file:
        file.write(card.encode())
    content: dict[str, Any] = {
        "format": FORMAT,
        "name": release.name,
        "labels": list(LABELS),
        "cleaning": cleaning_digest(),
        "settings": dict(release.settings),
        "coefficients": dict(release.coefficients),
        "counts": {label: list(pair) for label, pair in release.counts.items()},
        "policy": release.policy.as_dict(),
        "record": dict(release.record),
        "files": {path: _file_digest(folder / path) for path in (*(f"{name}.npy" for name in ARRAYS), "CARD.md")},
    }
    content["digest"] = _identity(content)
    content["seal"] = hashlib.sha256(_canonical(content)).hexdigest()
    text = json.dumps(content, indent=1, allow_nan=False)
    with _replacing(folder / "release.json") as file:
        file.write(f"{text}\n".encode())
    return load_release(folder)


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a new file and put it in place of the old one, which classifiers may have mapped into memory."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load_release(folder: str | Path) -> Release:
    """Read a release, memory-mapping its arrays; raises `ReleaseError` where anything is not as it was written."""
    folder = Path(folder)
    where = str(folder)
    content = _read_json(folder)
    try:
        seal = content.pop("seal")
        if content.get("format") != FORMAT:
            raise ReleaseError(f"has format {content.get('format')}, this version reads {FORMAT}", where=where,
                               todo="install the matching version of the package, or train again")  # fmt: skip
        if seal != hashlib.sha256(_canonical(content)).hexdigest() or content["digest"] != _identity(content):
            raise ReleaseError("release.json was changed after training", where=where, todo="fetch the release again")
        if content["labels"] != list(LABELS):
            raise ReleaseError(
                f"has labels {content['labels']}", where=where, todo="use a matching version of the package"
            )
        if content["cleaning"] != cleaning_digest():
            raise ReleaseError("was trained with other cleaning tables", where=where, todo="train again")
        if set(content["files"]) != {*(f"{array}.npy" for array in ARRAYS), "CARD.md"}:
            raise ReleaseError("does not list its files", where=where, todo="fetch the release again")
        for name, digest in content["files"].items():
            if (folder / name).is_symlink():
                raise ReleaseError(f"{name} is a link", where=where, todo="fetch the release again")
            if _file_digest(folder / name) != digest:
                raise ReleaseError(
                    f"{name} is not the file that was released", where=where, todo="fetch the release again"
                )
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS}
        for name, dtype in ARRAYS.items():
            if arrays[name].dtype != dtype:
                raise ReleaseError(
                    f"{name}.npy holds {arrays[name].dtype}", where=where, todo="fetch the release again"
                )
        _check_contents(content, arrays, where)
        return Release(
            content["name"],
            {name: np.asarray(array) for name, array in arrays.items()},
            content["settings"],
            content["coefficients"],
            {label: (pair[0], pair[1]) for label, pair in content["counts"].items()},
            Policy.from_dict(content["policy"]),
            content["record"],
            content["digest"],
        )
    except (KeyError, IndexError, TypeError, ValueError, OSError, AttributeError) as error:
        raise ReleaseError(
            f"is damaged ({error})", where=where, todo="fetch the release again or train it anew"
        ) from error


def _check_contents(content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], where: str) -> None:
    """Refuse what the loops would trip over: they trust the shapes and indices of a release."""
    ranges = [*content["settings"]["word_ngrams"], *content["settings"]["char_ngrams"]]
    numbers = dict(content["coefficients"])
    severity = numbers.pop("severity", None)
    curves = arrays["curves"]
    sound = {
        "curves": curves.ndim == 3 and curves.shape[::2] == (len(LABELS), 3),
        "settings": len(ranges) == 4
        and all(type(n) is int and 0 <= n <= 8 for n in ranges)
        and all(low == high == 0 or 1 <= low <= high for low, high in (ranges[:2], ranges[2:])),
        "counts": set(content["counts"]) == set(LABELS),
        "coefficients": _sound_numbers(numbers, len(LABELS)),
        **_sound_table(arrays, ""),
        **_sound_pieces(arrays),
    }
    if severity is not None:
        sound |= {"severity": _sound_numbers(severity, len(DETAILS), "thresholds"), **_sound_table(arrays, "severity_")}
    else:
        sound |= {name: arrays[name].size == 0 for name in SEVERITY}
    for name, holds in sound.items():
        if not holds:
            raise ReleaseError(
                f"its {name} make no sense", where=where, todo="fetch the release again or train it anew"
            )


def _sound_numbers(numbers: Mapping[str, Any], size: int, *more: str) -> bool:
    return set(numbers) == {"steps", "intercepts", "slopes", "offsets", *more} and all(
        len(values) == size and bool(np.isfinite(values).all()) for values in numbers.values()
    )


def _sound_table(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, bool]:
    slots, pilots, rows, idf = (arrays[f"{prefix}{name}"] for name in ("slots", "pilots", "rows", "idf"))
    sound = {
        **_sound_hash(slots, pilots),
        "rows": rows.ndim == 2 and rows.shape[1] == 8 and len(rows) > 0,
        "idf": idf.ndim == 1 and len(idf) > 0 and bool(((idf > 0) & (idf < _MAX_IDF)).all()),
    }
    if all(sound.values()):
        sound["slots"] = int((slots & INDEX).max()) < len(rows) == np.count_nonzero(slots)
        sound["rows"] = bool((rows[:, 0] >= 0).all()) and int(rows[:, 0].max()) < len(idf)
    return {f"{prefix}{name}": holds for name, holds in sound.items()}


def _sound_hash(slots: NDArray[Any], pilots: NDArray[Any], prefix: str = "") -> dict[str, bool]:
    return {
        f"{prefix}slots": slots.ndim == 1 and 0 < len(slots) < 1 << 31,
        f"{prefix}pilots": pilots.ndim == 1 and len(pilots) > 1 and len(pilots) & (len(pilots) - 1) == 0,
    }


def _sound_pieces(arrays: Mapping[str, NDArray[Any]]) -> dict[str, bool]:
    slots, pilots, ends, features = (arrays[name] for name in PIECES)
    sound = {
        **_sound_hash(slots, pilots, "piece_"),
        "piece_ends": ends.ndim == 1 and len(ends) > 0 and int(ends[0]) == 0 and bool((ends[1:] >= ends[:-1]).all()),
        "piece_features": features.ndim == 1 and int(features.max(initial=0)) < len(arrays["rows"]),
    }
    if all(sound.values()):
        count = len(ends) - 1
        sound["piece_slots"] = int((slots & INDEX).max()) < max(count, 1) and np.count_nonzero(slots) == count
        sound["piece_features"] = len(features) == int(ends[-1]) + STRIDE
    return sound


def _read_json(folder: Path) -> dict[str, Any]:
    path = folder / "release.json"
    if path.is_symlink() or not path.is_file():
        raise ReleaseError("no release here (release.json is missing)", where=str(folder),
                           todo="give the folder of a release, such as models/default")  # fmt: skip
    try:
        if path.stat().st_size > MAX_JSON:
            raise ReleaseError("release.json is too large to be one", where=str(folder), todo="fetch the release again")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ReleaseError(
            f"release.json cannot be read ({error})", where=str(folder), todo="fetch the release again"
        ) from error
    if not isinstance(content, dict):
        raise ReleaseError("release.json holds no object", where=str(folder), todo="fetch the release again")
    return content


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
