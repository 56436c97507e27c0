"""The notebooks: clean pairs that import and never define, run to their end, draw, and leave nothing behind."""

import ast
import os
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from classifier.pictures import dots, shown

jupytext = pytest.importorskip("jupytext", reason="the extra 'dev' is not installed")
nbclient = pytest.importorskip("nbclient", reason="the extra 'dev' is not installed")
nbformat = pytest.importorskip("nbformat", reason="the extra 'dev' is not installed")

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "notebooks").glob("*.py"))
SECONDS = 120  # for a whole notebook on a slow machine; here it takes ten
NOWHERE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")

each = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_at_most_five():
    assert 1 <= len(SCRIPTS) <= 5
    assert {path.stem for path in SCRIPTS} == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}


@each
def test_the_two_of_a_pair_are_the_same_and_hold_no_outputs(script):
    cells = nbformat.read(script.with_suffix(".ipynb"), as_version=4).cells
    kept = [(cell.cell_type, cell.source) for cell in cells]
    assert kept == [(cell.cell_type, cell.source) for cell in jupytext.read(script).cells], "run `make notebooks`"
    assert [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")] == [], "run `make notebooks`"


@each
def test_they_import_and_never_define(script):
    nodes = [node for cell in code_of(jupytext.read(script)) for node in ast.walk(ast.parse(cell.source))]
    defined = [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    assert defined == [], "move it into the package and test it there"


@each
def test_they_run_draw_and_leave_nothing_behind(script, tmp_path):
    where, temporary = tmp_path / "where", tmp_path / "temporary"
    where.mkdir()
    temporary.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "CLASSIFIER_"))}
    environment |= {**NOWHERE, "TMPDIR": str(temporary), "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    before = {*(ROOT / "data").rglob("*"), *ROOT.iterdir()}
    notebook = jupytext.read(script)
    client = nbclient.NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(where)}}
    )
    began = time.perf_counter()
    client.execute(env=environment)
    assert time.perf_counter() - began < SECONDS
    outputs = [output for cell in code_of(notebook) for output in cell.outputs]
    drawn = [kind for output in outputs for kind in output.get("data", {}) if kind.startswith("image/")]
    assert len(drawn) >= 2, "a notebook without pictures is a script"
    assert [output.text for output in outputs if "Warning" in output.get("text", "")] == []
    assert [*where.iterdir()] == []
    assert {*(ROOT / "data").rglob("*"), *ROOT.iterdir()} == before


def test_a_picture_for_a_notebook_is_a_whole_svg_image_in_real_colours():
    rows = [{"name": "above", "value": 0.9, "mark": 0.5}, {"name": "below", "value": 0.2, "mark": 0.5},
            {"name": "$unknown", "value": None}]  # fmt: skip
    picture = shown(dots(rows, x="share", span=(0, 1), rule=0.5, said="half"), "Two dots & a gap")
    content = picture._repr_mimebundle_()["image/svg+xml"]
    assert ElementTree.fromstring(content).get("aria-label") == "Two dots & a gap"
    assert "var(--" not in content
    assert content.count("#b42318") == 1  # the one dot below its mark
    assert all(word in content for word in ("too few", "half", "above"))
