"""Releases in MLflow: what a run holds, the registry, serving, and that no message leaves."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

mlflow = pytest.importorskip("mlflow", reason="the extra 'track' is not installed")

from classifier import load  # noqa: E402
from classifier.cli import cli  # noqa: E402
from classifier.errors import InputError, ReleaseError  # noqa: E402
from classifier.golden import GOLDEN  # noqa: E402
from classifier.guidelines import LABELS  # noqa: E402
from classifier.tracking import registered_release, track, track_figures  # noqa: E402

# What MLflow and what it stands on warn of among themselves.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore::FutureWarning:mlflow"),
]
DOCS = (Path(__file__).parents[1] / "docs" / "mlflow.md").read_text(encoding="utf-8")
TEXTS = ["you stupid idiot", "see you at 8", "", "add me on whatsapp +1 555 0142"]
CHAMPION = "models:/guidelines@champion"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project folder with its own store."""
    return tmp_path_factory.mktemp("project")


@pytest.fixture(autouse=True)
def inside(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def run_id(folder, trained):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        pictures = folder / "pictures"
        pictures.mkdir()
        (pictures / "spam.svg").write_text("<svg/>")
        return track(trained, tags={"reason": "test"}, pictures=pictures, register="guidelines", alias="champion")


@pytest.fixture
def store(folder):
    """MLflow set to the project's store, as it is by default in a shell there."""
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    yield mlflow
    mlflow.set_tracking_uri(None)


def test_a_run_holds_settings_data_figures_and_card(run_id, store, trained):
    run = store.get_run(run_id)
    release = trained.release
    assert run.data.params["max_features"] == "20000"
    assert float(run.data.params["threshold.hate.flag"]) == pytest.approx(0.3)
    assert run.data.tags["reason"] == "test"
    assert run.data.tags["release"].startswith("small@")
    expected = release.record["metrics"]["ours, dev"]["labels"]["spam"]
    assert run.data.metrics["ours/dev/spam/average_precision"] == expected["average_precision"]
    assert run.data.metrics["ours/dev/spam/average_precision_low"] == expected["interval"][0]
    assert run.data.metrics["out of fold/hate/flag/recall"] == pytest.approx(
        release.record["metrics"]["out of fold"]["labels"]["hate"]["actions"]["flag"]["recall"]
    )
    artifacts = {entry.path for entry in store.MlflowClient().list_artifacts(run_id)}
    assert {"CARD.md", "sources.json", "report"} <= artifacts
    assert [entry.path for entry in store.MlflowClient().list_artifacts(run_id, "report")] == ["report/spam.svg"]


def test_the_data_are_named_with_digest_and_licence(run_id, store, trained):
    inputs = store.get_run(run_id).inputs.dataset_inputs
    sources = trained.release.record["sources"]
    assert len(inputs) == len(sources)
    licences = {i.dataset.name: {tag.key: tag.value for tag in i.tags}["licence"] for i in inputs}
    assert licences == {s.get("corpus", s.get("file")): s.get("licence", "ours, Apache-2.0") for s in sources}
    assert len({i.dataset.digest for i in inputs}) == len(inputs)


def test_the_store_is_in_the_project(run_id, folder):
    assert (folder / "mlflow.db").is_file()
    assert (folder / "mlruns").is_dir()
    assert not mlflow.is_tracking_uri_set(), "the user's own setting is left alone"


def test_another_store_is_honoured(folder, release_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'other.db'}")
    run = track(release_folder, experiment="elsewhere")
    assert mlflow.get_run(run).info.status == "FINISHED"
    assert mlflow.get_experiment_by_name("elsewhere").artifact_location.startswith(folder.as_uri())


def test_figures_without_a_release_are_a_run_too(store, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'figures.db'}")
    run = track_figures("words 1-3", experiment="tried", params={"C": 0.5}, metrics={"real text": 0.8}, tags={"a": "b"})
    data = mlflow.get_run(run).data
    assert (data.params, data.metrics) == ({"C": "0.5"}, {"real text": 0.8})
    assert (data.tags["a"], mlflow.get_run(run).info.run_name) == ("b", "words 1-3")
    with pytest.raises(InputError):
        track_figures("words", params={}, metrics={"a": "many"})


def test_a_registered_release_scores_alike_to_the_bit(run_id, classifier_):
    for name in (CHAMPION, "models:/guidelines/1", Path("models:/guidelines/1")):
        loaded = load(name)
        assert np.array_equal(loaded.confidences(TEXTS), classifier_.confidences(TEXTS))
        assert loaded.release_id == classifier_.release_id
    result = CliRunner().invoke(cli, ["explain", "you stupid idiot", "--release", CHAMPION], catch_exceptions=False)
    assert "recommendation" in result.output


def test_the_pyfunc_says_what_the_classifier_says(run_id, store, classifier_):
    model = store.pyfunc.load_model(CHAMPION)
    surfaces = ["comment", None, "profile", "private_message"]
    scored = model.predict(pd.DataFrame({"text": TEXTS, "surface": surfaces}, index=[7, 8, 9, 10]))
    expected = classifier_.recommend(TEXTS, surfaces)
    assert np.array_equal(scored[list(LABELS)].to_numpy(np.float32), expected.confidences)
    assert scored["reasons"].tolist() == expected.reasons
    assert scored["known"].tolist() == expected.known.tolist()
    assert scored.index.tolist() == [7, 8, 9, 10]
    verdict = classifier_.score(TEXTS[3], surface="private_message")
    assert scored["recommendation"].iloc[3] == verdict.recommendation.value
    given = model.predict(pd.DataFrame({"text": TEXTS}), params={"surface": "private_message"})
    assert given["recommendation"].tolist() == [
        classifier_.score(text, surface="private_message").recommendation.value for text in TEXTS
    ]


def test_the_pyfunc_refuses_what_is_no_message(run_id, store):
    model = store.pyfunc.load_model(CHAMPION)
    with pytest.raises(Exception, match="row 2: 'text' is missing"):
        model.predict(pd.DataFrame({"text": ["hi", None]}))
    with pytest.raises(Exception, match="surface 'moon' is unknown"):
        model.predict(pd.DataFrame({"text": ["hi"], "surface": ["moon"]}))
    with pytest.raises(Exception, match="text"):
        model.predict(pd.DataFrame({"message": ["hi"]}))


def test_signature_and_example_are_stored(run_id, store):
    info = store.models.get_model_info(CHAMPION)
    assert [column.name for column in info.signature.inputs.inputs] == ["text", "surface"]
    assert [column.name for column in info.signature.outputs.inputs][:6] == [*LABELS]
    assert info.saved_input_example_info
    path = Path(store.artifacts.download_artifacts(artifact_uri=CHAMPION))
    pinned = (path / "requirements.txt").read_text().split()
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", line) for line in pinned)
    assert any(line.startswith("guideline-classifier==") for line in pinned)


def test_no_message_leaves(run_id, folder, examples):
    """Neither the store nor any artifact holds a message that was trained on or judged; the golden ones are ours."""
    texts = [text for text in examples["text"] if len(text) >= 12 and text not in GOLDEN]
    needles = {form.encode() for text in texts for form in (text, json.dumps(text)[1:-1])}
    files = [path for path in [folder / "mlflow.db", *(folder / "mlruns").rglob("*")] if path.is_file()]
    assert len(files) > 10
    assert any(GOLDEN[0].encode() in path.read_bytes() for path in files), "the search finds what is there"
    for path in files:
        content = path.read_bytes()
        assert [needle for needle in needles if needle in content] == [], path


def test_what_cannot_be_is_said(run_id, release_folder, tmp_path):
    with pytest.raises(ReleaseError, match="MLflow refuses"):
        registered_release("models:/guidelines@nobody")
    with pytest.raises(ReleaseError, match="MLflow refuses"):
        load("models:/missing/3")
    with pytest.raises(InputError, match="alias champion: an alias needs a registered model"):
        track(release_folder, alias="champion")
    with pytest.raises(InputError, match="there is no such folder"):
        track(release_folder, pictures=tmp_path / "none")
    with pytest.raises(ReleaseError, match="release\\.json is missing"):
        track(tmp_path)
    with pytest.raises(InputError, match="MLflow refuses"):
        track(release_folder, register="a/b:c")


def test_a_model_of_others_is_no_release(store, run_id):
    @store.pyfunc.utils.pyfunc
    def _other(model_input: list[str]) -> list[str]:
        return model_input

    with store.start_run():
        store.pyfunc.log_model(name="other", python_model=_other, registered_model_name="other", input_example=["a"])
    with pytest.raises(ReleaseError, match="is no release of ours"):
        registered_release("models:/other/1")


def test_track_needs_whole_tags(release_folder):
    result = CliRunner().invoke(cli, ["track", str(release_folder), "--tag", "x"])
    assert result.exit_code == 2
    assert "KEY=VALUE" in result.output


def test_register_without_track_is_refused(tmp_path):
    result = CliRunner().invoke(cli, ["train", "--out", str(tmp_path / "m"), "--register", "guidelines"])
    assert result.exit_code == 2
    assert "need --track" in result.output


def test_train_logs_its_run(examples, folder, store):
    examples.iloc[::6].to_csv(folder / "few.csv", index=False)
    words = ["train", "--out", "models/few", "--corpus", "none", "--examples", "few.csv", "--track"]
    result = CliRunner().invoke(cli, [*words, "--experiment", "few", "--register", "few"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    [run] = store.search_runs(experiment_names=["few"], output_format="list")
    assert run.info.run_name == "few"
    assert run.data.metrics["out of fold/spam/n"] == len(examples.iloc[::6])
    assert load("models:/few/1").release_id == load("models/few").release_id == run.data.tags["release"]


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)


def test_the_page_is_true(folder, release_folder, examples, store):
    """Every ``classifier`` command of docs/mlflow.md and every block of Python, in its order."""
    shutil.copytree(release_folder, folder / "models" / "mine", dirs_exist_ok=True)
    examples.iloc[::20].to_csv(folder / "my_messages.csv", index=False)
    (folder / "export.csv").write_text("id,text\n1,hello there\n")
    written = [line[2:] for block in blocks("console") for line in block.splitlines()]
    written += re.findall(r"`(classifier [^`]*models:/[^`]*)`", DOCS)
    commands = [line.split()[1:] for line in written if line.startswith("classifier")]
    assert [words[0] for words in commands] == ["track", "track", "score"]
    for words in commands:
        result = CliRunner().invoke(cli, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    assert "which is now guidelines@champion" in CliRunner().invoke(cli, commands[1]).output
    names = {}
    for block in blocks("python"):
        exec(compile(block, "docs/mlflow.md", "exec"), names)
    assert 0 <= names["result"].metrics["recall_score"] <= 1
    assert store.MlflowClient().get_model_version_by_alias("guidelines", "champion").version in (1, "1")


def test_it_is_served(run_id, folder, classifier_):
    """``mlflow models serve`` as docs/mlflow.md shows it, on a free port; some ten seconds."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    written = next(line for block in blocks("console") for line in block.splitlines() if "models serve" in line)
    command = written[2:].replace("5001", str(port)).split()
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    body = json.loads(re.search(r"-d '(.*?)'", DOCS, re.DOTALL)[1])
    log = folder / "serve.log"
    with log.open("wb") as file:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    try:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        answer = _answer(request, server, log)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)
    for row, sent in zip(answer["predictions"], body["dataframe_records"], strict=True):
        verdict = classifier_.score(sent["text"], surface=sent.get("surface"))
        assert {label: row[label] for label in LABELS} == verdict.confidences
        assert row["recommendation"] == verdict.recommendation.value
        assert row["release"] == classifier_.release_id


def _answer(request, server, log):
    for _ in range(250):
        assert server.poll() is None, log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return json.load(response)
        except (ConnectionError, urllib.error.URLError):
            time.sleep(0.1)
    raise AssertionError(log.read_text()[-2000:])
