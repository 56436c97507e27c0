import csv
import json
import re
import shutil
import subprocess
import sys
from functools import partial
from itertools import product

import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from classifier import cli, corpora
from classifier.export_detection import EXPORT_FORMATS
from classifier.guidelines import LABELS
from classifier.release import load_release
from classifier.scoring import load

ROWS = [
    ("007", "you stupid pathetic idiot, nobody wants you here", "comment"),
    ("8", "NA", "post"),
    ("ü", "add me on whatsapp +1 555 0142, my telegram is kim_j", "private_message"),
    ("x,y", 'vote for the president\nin the "election"', "profile"),
    ("0", "", "comment"),
]


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line as its entry point does; the exit code, what it printed, and its errors on one line."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["classifier", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as error:
            code = error.code or 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def refuse(run):
    """One sentence on stderr, exit code 2, nothing else."""

    def refuse(*arguments, message, code=2):
        found, out, err = run(*arguments)
        assert found == code, (out, err)
        assert "Traceback" not in err
        lines = [line for line in err.splitlines() if line.strip()]
        assert len(lines) == 1, err
        assert lines[0].startswith("error: ")
        assert re.search(message, lines[0]), lines[0]

    return refuse


@pytest.fixture
def exports(tmp_path):
    """The same messages as CSV, JSON Lines and Parquet."""
    frame = pd.DataFrame(ROWS, columns=["id", "text", "surface"])
    frame.to_csv(tmp_path / "export.csv", index=False, quoting=csv.QUOTE_ALL)
    frame.to_json(tmp_path / "export.jsonl", orient="records", lines=True, force_ascii=False)
    frame.to_parquet(tmp_path / "export.parquet", index=False)
    return tmp_path


def read(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        return [*csv.DictReader(file)]


# ---- score ----


@pytest.mark.parametrize(("source", "target"), [*product(("csv", "jsonl", "parquet"), repeat=2)])
def test_an_export_is_scored_end_to_end(run, exports, release_folder, source, target):
    result = exports / f"result.{target}"
    code, out, _ = run("score", exports / f"export.{source}", "-o", result, "--release", release_folder, "--contacts")
    assert code == 0, out
    rows, scorer = read(result), load(release_folder)
    assert [row["id"] for row in rows] == [key for key, _, _ in ROWS]
    for row, (_, text, surface) in zip(rows, ROWS, strict=True):
        verdict = scorer.score(text, surface=surface)
        assert row["recommendation"] == str(verdict.recommendation)
        assert json.loads(row["reasons"]) == [json.loads(json.dumps(reason.as_dict())) for reason in verdict.reasons]
        assert row["release"] == scorer.release_id
        for label in LABELS:
            assert float(row[label]) == pytest.approx(verdict.confidences[label], abs=6e-5)
    assert {row["recommendation"] for row in rows} > {"none"}


def test_options_of_score(run, exports, release_folder):
    path = exports / "odd.dat"
    path.write_text("nr\tmsg\n1\tyou stupid idiot, shut up\n2\thi\n")
    policy = exports / "policy.toml"
    policy.write_text("[labels.harassment]\nflag = 0.0\nreport = 0.0\nblock = 0.0\n")
    options = ("--format", "tsv", "--out-format", "csv", "--id-column", "nr", "--text-column", "msg", "--show", 2)
    code, out, err = run("score", path, "-o", exports / "r", "--release", release_folder, "--policy", policy, *options)
    assert code == 0, err
    with (exports / "r").open(newline="") as file:
        assert [(row["id"], row["recommendation"]) for row in csv.DictReader(file)] == [("1", "block"), ("2", "block")]
    assert "you stupid idiot, shut up" in out


@pytest.mark.parametrize(
    ("export", "options", "message"),
    [
        ("none.csv", (), r"none\.csv: "),
        ("folder", ("--format", "csv"), r"folder: "),
        ("folder.csv", (), r"folder\.csv: "),
        ("empty.csv", (), r"empty\.csv: "),
        ("empty.jsonl", (), r"empty\.jsonl: "),
        ("empty.parquet", (), r"empty\.parquet: "),
        ("export.xlsx", (), r"export\.xlsx: .*xlsx"),
        ("export.csv", ("--format", "xml"), "xml"),
        ("export.csv", ("--text-column", "body"), r"export\.csv: .*body"),
        ("export.csv", ("--id-column", "nr"), r"export\.csv: .*nr"),
        ("truncated.parquet", (), r"truncated\.parquet: "),
        ("export.csv", ("--encoding", "klingon"), "klingon"),
        ("export.csv", ("--policy", "bad.toml"), r"bad\.toml, line 2, \[labels\.spam\]: flag = 2 is no number from"),
        ("export.csv", ("--policy", "none.toml"), r"none\.toml: No such file or directory"),
        ("export.csv", ("--release", "folder"), "no release here"),
        ("export.csv", ("-o", "nowhere/result.csv"), "nowhere"),
        ("export.csv", ("-o", "folder.csv"), r"folder\.csv: "),
        ("export.csv", ("-o", "result.xlsx"), r"result\.xlsx: "),
        ("export.csv", ("-o", "export.csv"), r"export\.csv: "),
    ],
)
def test_a_wrong_input_is_one_sentence_and_exit_code_2(
    exports, monkeypatch, refuse, release_folder, export, options, message
):
    monkeypatch.chdir(exports)
    for name in ("empty.csv", "empty.jsonl", "empty.parquet"):
        (exports / name).touch()
    for name in ("folder", "folder.csv"):
        (exports / name).mkdir()
    whole = (exports / "export.parquet").read_bytes()
    (exports / "truncated.parquet").write_bytes(whole[: len(whole) // 2])
    (exports / "export.xlsx").write_text("no workbook")
    (exports / "bad.toml").write_text("[labels.spam]\nflag = 2\n")
    before = (exports / "export.csv").read_bytes()
    release = () if "--release" in options else ("--release", release_folder)
    target = () if "-o" in options else ("-o", "result.csv")
    refuse("score", export, *target, *release, *options, message=message)
    assert not (exports / "result.csv").exists()
    assert (exports / "export.csv").read_bytes() == before
    assert [path.name for path in exports.iterdir() if path.name.endswith(".part")] == []


def test_a_tampered_release_is_refused(refuse, exports, tampered):
    (tampered / "idf.npy").write_bytes(b"")
    message = r"idf\.npy is not the file that was released; fetch the release again"
    refuse("score", exports / "export.csv", "-o", exports / "r.csv", "--release", tampered, message=message)
    refuse("explain", "hi", "--release", tampered, message=message)


def test_wrong_usage_is_explained():
    for arguments in (["score"], ["score", "a.csv"], ["nothing"], ["explain", "hi", "--surface", "chat"]):
        result = CliRunner().invoke(cli.cli, arguments)
        assert result.exit_code == 2
        assert "Usage: " in result.output
    assert CliRunner().invoke(cli.cli, ["-h"]).output.count("\n  ") >= 4
    assert "0.1.0" in CliRunner().invoke(cli.cli, ["--version"]).output


def test_the_installed_command(exports, release_folder):
    command = shutil.which("classifier", path=str(sys.executable).rpartition("/")[0])
    assert command, "the package is installed with its command"
    arguments = ["score", exports / "export.csv", "-o", exports / "r.csv", "--release", release_folder]
    done = subprocess.run([command, *arguments, "--text-column", "body"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.strip().splitlines())) == (2, "", 1)
    assert subprocess.run([command, *arguments], capture_output=True, check=False).returncode == 0


# ---- explain ----


def test_explain_shows_words_and_advice(run, release_folder):
    arguments = ("--release", release_folder, "--surface", "comment")
    code, out, _ = run("explain", "add me on wh4tsapp [red]555[/red]", *arguments)
    assert code == 0
    assert "recommendation: " in out
    assert "read as: add me on whatsapp [red]555[/red]" in out
    assert re.search(r"personal_info .*555 \+\d\.\d\d", out)
    assert all(label in out for label in LABELS)
    out = run("explain", "add me on wh4tsapp [red]07700 900123[/red]", *arguments)[1]
    assert "read as: add me on whatsapp [red]07700 900123[/red]" in out
    assert re.search(r"personal_info .*900123 \+\d\.\d\d", out)
    assert "advice: Take contact details out of public places" in out
    assert all(label in out for label in LABELS)
    assert "nothing is recommended: there is nothing to read" in run("explain", "", *arguments)[1]


# ---- train ----


@pytest.fixture
def mine(examples, tmp_path):
    path = tmp_path / "mine.csv"
    examples.iloc[::6].to_csv(path, index=False)
    return path


def test_train_writes_a_release_that_scores(run, mine, tmp_path):
    policy = tmp_path / "p.toml"
    policy.write_text("[labels.spam]\nbase_rate = 0.5\nflag = 0.125\n")
    arguments = ("--out", tmp_path / "models" / "tiny", "--corpus", "none", "--examples", mine, "--policy", policy)
    code, out, err = run("train", *arguments, "--seed", 3)
    assert code == 0, err
    release = load_release(tmp_path / "models" / "tiny")
    assert (release.name, release.settings["seed"]) == ("tiny", 3)
    assert release.policy.points["spam"]["flag"] == 0.125
    assert release.record["sources"][0]["file"] == "mine.csv"
    assert f"wrote {tmp_path}/models/tiny ({release.id})" in out.replace("\n", "")
    assert run("explain", "hi", "--release", tmp_path / "models" / "tiny")[0] == 0


def test_what_cannot_be_trained_on(refuse, mine, tmp_path):
    out = ("--out", tmp_path / "m", "--corpus", "none", "--examples")
    refuse("train", *out, tmp_path / "none.csv", message=r"none\.csv: is missing")
    mine.write_text(mine.read_text().replace(",comment,", ",chat,"))
    refuse("train", *out, mine, message=r"mine\.csv, row \d+, column surface: holds 'chat'")
    refuse(
        "train", "--out", tmp_path / "m", "--corpus", "nope", message="corpus 'nope' is not in the registry; use one of"
    )
    few = tmp_path / "few.csv"
    rows = "".join(f"{i},t{i},en,post,0,0,0,0,0,0\n" for i in range(9))
    few.write_text(f"id,text,lang,surface,{','.join(LABELS)}\n{rows}")
    refuse("train", *out, few, message="label harassment: only 0 positives")
    refuse("train", *out, few, "--policy", tmp_path / "x.toml", message=r"x\.toml: No such file")
    assert not (tmp_path / "m").exists()


# ---- corpora ----


def test_corpora_are_listed_fetched_and_read(run, refuse, toy_corpus, monkeypatch, tmp_path):
    registry, mirror, rows = toy_corpus
    monkeypatch.setattr(corpora, "load_registry", partial(corpora.load_registry, registry))
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = run("corpora", "list")
    assert (code, "toy" in out, "CC0-1.0" in out) == (0, True, True)
    places = ("--mirror", mirror, "--folder", tmp_path / "downloads")
    assert "1 corpora are whole and verified" in run("corpora", "fetch", "toy", *places)[1]
    for name in ("toy.csv", "toy.parquet"):
        code, out, _ = run("corpora", "read", "toy", *places, "-o", tmp_path / name)
        assert code == 0
        assert re.search(r"spam\D+67\D+133\D+0", out)
        frame = pd.read_parquet(tmp_path / name) if name.endswith("parquet") else pd.read_csv(tmp_path / name)
        assert frame["text"].tolist() == [row["text"] for row in rows]
        assert frame["hate"].isna().all()
    refuse("corpora", "read", "toy", *places, "-o", tmp_path / "toy.xlsx", message=r"toy\.xlsx: extension '\.xlsx'")
    refuse("corpora", "read", "nope", *places, message="corpus 'nope' is not in the registry")
    (mirror / "toy" / "a.csv").write_text("changed")
    refuse("corpora", "read", "toy", *places, message=r"a\.csv: .*SHA-256|bytes")


def test_help_names_all_formats():
    for command in ("score", "senders", "mask", "compare", "monitor"):
        help_ = CliRunner().invoke(cli.cli, [command, "--help"]).output
        for name in dict.fromkeys(EXPORT_FORMATS.values()):
            assert re.search(rf"--format.*\b{name}\b", help_, re.DOTALL), (command, name)
