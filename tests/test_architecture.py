"""The house rules: imports point down, scoring stays light, the interface is what is documented."""

import ast
import inspect
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import click
import pytest

import classifier
from classifier.cli import cli

SOURCE = Path(classifier.__file__).parent
ROOT = SOURCE.parents[1]
FLOORS = [
    "guidelines errors codepoints kernels arrow_texts text",
    "severity timestamps sender_rules messages exports text_exports parquet_exports results result_formats "
    "examples corpora corpus_registry corpus_steps downloads operating_points policy policy_file policy_report "
    "perturbations functional_tests identity_swaps assembly agreement counts duplicates shape rules dataset datasheet "
    "reviews labelling contact_text contact_words contact_numbers contact_documents contact_emails contact_handles "
    "contact_addresses contacts kept_columns masked_exports archives compressed sources export_detection "
    "export_readers json_streams json_exports whatsapp_exports whatsapp_phrases telegram_exports discord_exports "
    "slack_exports pseudonyms spreadsheets",
    "features reference bootstrap",
    "release label_models common_pieces severity_training training evaluation golden card policy_tuning slices "
    "behaviour fairness",
    "senders sender_columns sender_findings sender_histories sender_outputs sender_partitions sender_table "
    "dossier streaming dossier_page chunks verdicts scoring explain_view batch checkpoints pipelining run_report "
    "changes compare spark spark_senders tracking pyfunc_model monitoring label_quality assessment pictures report",
    "console cli cli_compare cli_corpora cli_data cli_labels cli_evaluate cli_mask cli_monitor cli_policy "
    "cli_senders cli_track cli_train __init__",
]
FLOOR = {module: number for number, modules in enumerate(FLOORS) for module in modules.split()}
ONLY_IN = {
    "numba": {"kernels"},
    "pyspark": {"spark", "spark_senders"},
    "mlflow": {"tracking", "pyfunc_model"},
    "matplotlib": {"pictures", "counts"},
}
# numba itself imports scipy's BLAS (scipy.linalg) where scipy is installed; nothing else of it may be loaded.
HEAVY = "sklearn scipy.sparse scipy.stats scipy.optimize pandas nltk mlflow pyspark matplotlib pyarrow joblib"

FILES = sorted(SOURCE.rglob("*.py"))


def room(path):
    """The module a file belongs to: ``kernels`` is one."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path):
    """Every module imported anywhere in a file, also inside functions and for type checking, dotted and absolute."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} line {node.lineno}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += names if node.module == "classifier" else [node.module]
    return found


def rooms_below(path):
    rooms = {name.split(".")[1] for name in imports(path) if name.startswith("classifier.")}
    return rooms - {room(path)}


IDS = [path.relative_to(SOURCE).as_posix() for path in FILES]
each_file = pytest.mark.parametrize("path", FILES, ids=IDS)


@each_file
def test_imports_point_down(path):
    assert room(path) in FLOOR, "give the new module a floor"
    above = {name for name in rooms_below(path) if FLOOR.get(name, 99) > FLOOR[room(path)]}
    assert not above, f"floor {FLOOR[room(path)]} imports {above}"


def test_no_module_imports_itself_by_way_of_others():
    graph = {}
    for path in FILES:
        graph.setdefault(room(path), set()).update(rooms_below(path))
    order = [*TopologicalSorter(graph).static_order()]  # raises CycleError
    assert {"text", "scoring", "cli"} <= {*order}


def test_the_reader_of_imports_sees_all_kinds(tmp_path):
    code = (
        "import numba.core as n\nfrom classifier import text\ndef f():\n    from classifier.kernels.ngrams import x\n"
    )
    (tmp_path / "m.py").write_text(code)
    assert imports(tmp_path / "m.py") == ["numba.core", "classifier.text", "classifier.kernels.ngrams"]


@each_file
def test_heavy_packages_have_one_importer(path):
    for package in {name.split(".")[0] for name in imports(path)} & {*ONLY_IN}:
        assert room(path) in ONLY_IN[package], f"{package} is imported"


@each_file
def test_files_are_short_enough_to_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


def is_stub(node):
    """The ``...`` of a protocol, which its class describes."""
    return isinstance(node, ast.FunctionDef) and ast.unparse(node.body) == "..."


@each_file
def test_everything_public_says_what_it_is(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree) or not tree.body, "the module has no docstring"
    nodes = [*tree.body]
    for node in nodes:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_") and not is_stub(node):
            assert ast.get_docstring(node), f"line {node.lineno}: {node.name} has no docstring"
            if isinstance(node, ast.ClassDef):
                nodes += node.body


@each_file
def test_what_a_module_offers_exists(path):
    module = import_module(".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__"))
    names = getattr(module, "__all__", [])
    assert [name for name in names if not hasattr(module, name)] == []
    assert len({*names}) == len(names)
    assert names == sorted(names) or names == sorted(names, key=lambda name: (not name.isupper(), name.islower(), name))


def test_the_interface_is_exactly_this():
    assert classifier.__all__ == [
        "LABELS", "Action", "Classifier", "Policy", "Reason", "Span", "Verdict", "load", "score",
    ]  # fmt: skip
    assert classifier.LABELS == (
        "harassment", "dating_flirting", "spam", "hate", "political_religious", "personal_info",
    )  # fmt: skip
    assert [*inspect.signature(classifier.Classifier.confidences).parameters] == ["self", "texts", "threads"]
    assert [*inspect.signature(classifier.Classifier.score).parameters] == ["self", "text", "surface"]
    assert [*inspect.signature(classifier.score).parameters] == ["text", "surface"]
    assert [*inspect.signature(classifier.load).parameters] == ["path", "policy"]


def test_scoring_loads_nothing_heavy(release_folder):
    code = f"""
import sys, classifier
scorer = classifier.load(sys.argv[1])
verdict = scorer.score("you stupid idiot, my whatsapp is +1 555 0142, telegram @kim_j", surface="comment")
assert verdict.reasons and scorer.explain("hi").cleaned == "hi"
scorer.recommend(["hi", "you"] * 400, ["comment", None] * 400)
print(*sorted(sys.modules.keys() & {HEAVY.split()!r}))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, release_folder], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("", "", 0)


def commands(group, name):
    """Every command as a person types it, and the group it stands in."""
    for part, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {part}")
        yield f"{name} {part}", command


COMMANDS = dict(commands(cli, "classifier"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name):
    assert name in (ROOT / "README.md").read_text(encoding="utf-8"), "the README does not show it"
    assert COMMANDS[name].help, "it has no help"


def test_there_are_commands():
    assert {"classifier score", "classifier explain", "classifier train", "classifier corpora read"} <= {*COMMANDS}


def test_every_module_has_its_room_in_the_architecture():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    modules = {path.name for path in (ROOT / "src" / "classifier").glob("*.py")}
    assert {name for name in modules if f"`{name}`" not in page} == set()
