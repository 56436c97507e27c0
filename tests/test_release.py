import dataclasses
import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest

from classifier import codepoints
from classifier.corpora import load_registry
from classifier.errors import ReleaseError
from classifier.golden import GOLDEN
from classifier.guidelines import GUIDELINES, LABELS
from classifier.release import ARRAYS, load_release, save_release
from classifier.release import release_folder as folder_of
from classifier.scoring import load
from classifier.training import Settings, train

FILES = sorted([*(f"{name}.npy" for name in ARRAYS), "CARD.md", "release.json"])
SMALL = Settings(max_features=3000, folds=2, char_ngrams=(2, 3))


def refused(folder, message=None):
    """Nothing but a `ReleaseError` that names the folder."""
    with pytest.raises(ReleaseError, match=message) as caught:
        load(folder)
    assert str(folder) in str(caught.value) or caught.value.where.startswith("small@")
    return str(caught.value)


def resealed(folder, change):
    """Change the content of release.json as somebody would who knows how it is sealed."""
    path = folder / "release.json"
    content = json.loads(path.read_text())
    change(content)
    keys = ("format", "labels", "cleaning", "settings", "coefficients", "counts", "policy")
    arrays = {name: digest for name, digest in content["files"].items() if name.endswith(".npy")}
    canonical = {"sort_keys": True, "separators": (",", ":")}
    identity = json.dumps({key: content[key] for key in keys} | {"files": arrays}, **canonical)
    content.pop("seal")
    content["digest"] = hashlib.sha256(identity.encode()).hexdigest()
    content["seal"] = hashlib.sha256(json.dumps(content, **canonical).encode()).hexdigest()
    path.write_text(json.dumps(content))


# ---- whole releases ----


def test_what_is_saved_is_loaded(trained, release_folder):
    loaded, made = load_release(release_folder), trained.release
    for name, dtype in ARRAYS.items():
        np.testing.assert_array_equal(loaded.arrays[name], made.arrays[name])
        assert loaded.arrays[name].dtype == dtype
    assert loaded.coefficients == made.coefficients
    assert loaded.record == json.loads(json.dumps(made.record))
    assert loaded.policy.as_dict() == made.policy.as_dict()
    assert loaded.settings["char_ngrams"] == [2, 5]
    assert loaded.id == f"small@{loaded.digest[:12]}"
    for label, curve in made.curves.items():
        for field in dataclasses.fields(curve):
            np.testing.assert_array_equal(getattr(loaded.curves[label], field.name), getattr(curve, field.name))


def test_a_release_holds_what_the_design_lists(release_folder):
    content = json.loads((release_folder / "release.json").read_text())
    listed = {"labels", "settings", "coefficients", "policy", "record", "files", "digest"}
    assert listed <= content.keys()
    assert {"metrics", "golden", "libraries", "sources"} <= content["record"].keys()
    assert content["labels"] == [*LABELS]
    assert [entry["text"] for entry in content["record"]["golden"]] == [*GOLDEN]
    assert content["record"]["libraries"]["numpy"] == np.__version__
    assert content["record"]["metrics"].keys() == {"out of fold", "ours, dev"}


def test_nothing_in_it_is_pickled_or_can_execute(release_folder):
    assert sorted(path.name for path in release_folder.iterdir()) == FILES
    for name in ARRAYS:
        assert np.load(release_folder / f"{name}.npy", allow_pickle=False).dtype.hasobject is False


def test_the_card_tells_labels_promises_sources_and_licences(release_folder, examples):
    text = (release_folder / "CARD.md").read_text()
    for label in LABELS:
        assert f"| {label} | {GUIDELINES[label].meaning} |" in text
    for corpus in load_registry().values():
        assert f"[{corpus.name}]" in text
        assert f"| {corpus.licence} |" in text
    assert f"| mine.csv | {len(examples):,} | ours, Apache-2.0 |" in text
    assert "maximum recall @ precision >= 0.1" in text
    assert text.count("not offered") == 2  # spam has no block, hate no report
    assert "Figures: ours, dev" in text


def test_same_data_and_seed_give_the_same_digest(examples, tmp_path):
    some = examples.iloc[::3].reset_index(drop=True)

    def digest(seed, n_jobs=1):
        release = train(some, settings=dataclasses.replace(SMALL, seed=seed), n_jobs=n_jobs).release
        return save_release(release, tmp_path / f"{seed}-{n_jobs}", "card").digest

    first = digest(0)
    assert first == digest(0, n_jobs=2)
    assert first != digest(1)


def test_name_and_record_are_not_part_of_the_identity(trained, release_folder, tmp_path):
    renamed = dataclasses.replace(trained.release, name="other", record={})
    assert save_release(renamed, tmp_path, "another card").digest == load_release(release_folder).digest


# In processes of their own: writing into a file that is mapped into memory can end the process.
SAVE_AGAIN = """
import dataclasses, sys, numpy as np
from classifier.release import save_release
from classifier.scoring import load

loaded, text = load(sys.argv[1]), ["you are a stupid idiot"]
before = loaded.confidences(text)
arrays = {name: np.array(array) for name, array in loaded.release.arrays.items()}
other = dataclasses.replace(loaded.release, arrays=arrays | {"rows": arrays["rows"] // 2}, record={})
assert save_release(other, sys.argv[1], "card").digest != loaded.release.digest
assert (loaded.confidences(text) == before).all(), "a loaded classifier changed"
assert (load(sys.argv[1]).confidences(text) != before).any()
"""
SAVE_ITSELF = """
import sys
from classifier.release import load_release, save_release

loaded = load_release(sys.argv[1])
assert save_release(loaded, sys.argv[1], "new card").digest == loaded.digest
"""


@pytest.mark.parametrize("code", [SAVE_AGAIN, SAVE_ITSELF], ids=["another", "itself"])
def test_a_release_in_use_can_be_saved_over(tampered, code):
    done = subprocess.run([sys.executable, "-c", code, tampered], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# ---- tampering ----


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0.0, 0.003, 0.3, 0.77, 0.999])
def test_a_changed_byte_is_refused(tampered, name, place):
    data = bytearray((tampered / name).read_bytes())
    data[int(place * len(data))] ^= 1
    (tampered / name).write_bytes(data)
    refused(tampered)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["truncated", "emptied", "longer", "deleted", "folder", "dangling link"])
def test_a_file_that_is_not_whole_is_refused(tampered, name, how):
    path = tampered / name
    data = path.read_bytes()
    path.unlink()
    if how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "longer":
        path.write_bytes(data + b"0")
    elif how == "folder":
        path.mkdir()
    elif how == "dangling link":
        path.symlink_to(tampered / "nowhere")
    refused(tampered)


@pytest.mark.parametrize("name", FILES)
def test_a_link_is_refused_even_to_the_same_bytes(tampered, name):
    path = tampered / name
    path.rename(tampered.parent / name)
    path.symlink_to(tampered.parent / name)
    refused(tampered)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 1}, "has format 1, this version reads 4; install the matching version"),
        ({"format": None}, "has format None"),
        ({"labels": [*LABELS[::-1]]}, "has labels"),
        ({"labels": [*LABELS[:5]]}, "has labels"),
        ({"cleaning": "0" * 64}, "other cleaning tables; train again"),
        ({"policy": {}}, "is damaged"),
        ({"coefficients": None}, None),
        ({"counts": {"spam": [1]}}, "its counts make no sense"),
        ({"files": {"../secret": "0"}}, "does not list its files"),
        ({"settings": {}}, None),
    ],
)
def test_a_release_of_another_kind_is_refused_though_it_is_sealed(tampered, change, message):
    resealed(tampered, lambda content: content.update(change))
    refused(tampered, message)


def test_a_changed_figure_is_refused_without_a_new_seal(tampered):
    path = tampered / "release.json"
    path.write_text(path.read_text().replace('"base_rate": 0.01', '"base_rate": 0.02', 1))
    refused(tampered, r"release\.json was changed after training; fetch the release again")


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "[" * 100_000, '{"seal": 1}', "\x00", '{"seal": NaN}'])
def test_what_is_no_release_json_is_refused(tampered, text):
    (tampered / "release.json").write_text(text)
    refused(tampered)


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_another_shape_are_refused_though_sealed(trained, tmp_path, name):
    # The loops index without checking bounds: such a release would read what is not its own.
    array = trained.release.arrays[name]
    arrays = {**trained.release.arrays, name: array.reshape(-1)[:7] if array.size else np.ones(7, array.dtype)}
    with pytest.raises(ReleaseError):
        save_release(dataclasses.replace(trained.release, arrays=arrays), tmp_path, "card")


def test_golden_messages_that_score_differently_are_refused(tampered):
    def change(content):
        content["record"]["golden"][3]["confidences"][2] += 2e-4

    resealed(tampered, change)
    assert load_release(tampered).id.startswith("small@")  # the files themselves are as sealed
    refused(tampered, "scores its golden messages differently here")


def test_there_is_no_release_here(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        assert "give the folder of a release" in refused(folder, r"no release here \(release\.json is missing\)")
    (tmp_path / "file").write_text("x")
    refused(tmp_path / "file", "no release here")
    assert folder_of("models/mine").as_posix() == "models/mine"


def test_cleaning_tables_are_part_of_the_identity(release_folder, monkeypatch):
    tables = codepoints.load()
    monkeypatch.setattr(codepoints, "load", lambda: dataclasses.replace(tables, kind=tables.kind[::-1]))
    with pytest.raises(ReleaseError, match="trained with other cleaning tables"):
        load_release(release_folder)
