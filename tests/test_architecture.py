"""The rules of the house, held against the code's own imports and text."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "anymo_jax"

# Each room and the rooms it may import, besides itself.
FLOW = [
    *("geometry", "body", "motion", "simulation", "views", "encoder", "tokenizer"),
    *("language", "evaluation", "inference"),
]
MAY_IMPORT = {room: set(FLOW[:i]) for i, room in enumerate(FLOW)}
MAY_IMPORT["datasets"] = {"geometry", "body"}
MAY_IMPORT["training"] = set()
MAY_IMPORT["evaluation"] |= {"datasets"}
MAY_IMPORT["inference"] |= {"datasets"}
LEARNING = {"views", "encoder", "tokenizer", "language"}
FLAX = {"encoder", "tokenizer", "language"}
JRAPH = PACKAGE / "encoder" / "graph.py"


def sources(*folders):
    return [p for folder in folders for p in sorted((ROOT / folder).rglob("*.py"))]


def imports(path):
    """Full names of modules and members that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


# Modules of training that a room may import, by the file that does.
WORKSHOP = {name: (f"anymo_jax.training.{name}",) for name in ("task", "settings")}
OPENS_RUNS = tuple(
    f"anymo_jax.training.{name}" for name in ("run_folder", "settings", "trained")
)


def room_of(path):
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else None


@pytest.mark.parametrize("path", sources("anymo_jax"), ids=str)
def test_rooms_import_upstream_only(path):
    room = room_of(path)
    if room is None:
        return
    assert room in MAY_IMPORT, f"{room} is no room of the house"
    for name in imports(path):
        parts = name.split(".")
        if (
            parts[0] != "anymo_jax"
            or len(parts) < 2
            or parts[1] in (room, "__version__")
        ):
            continue
        if parts[1] == "training":
            # A recipe's values become dataclasses where each room says what of.
            own_door = name.startswith(WORKSHOP.get(path.stem, ()))
            # Who opens a trained run reads its folder and its checkpoints.
            opens_runs = room == "inference" and name.startswith(OPENS_RUNS)
            assert own_door or opens_runs, (
                f"{path}: of training, task.py imports training.task and settings.py "
                "training.settings; nothing else does"
            )
            continue
        assert parts[1] in MAY_IMPORT[room], f"{path}: {room} must not import {name}"


def test_the_package_itself_imports_no_room():
    """`anymo_jax.load` brings them in when it is called."""
    told = "import sys, anymo_jax; print([m for m in sys.modules if m in {'jax', "
    told += "'numpy', 'flax'} or m.startswith('anymo_jax.')], anymo_jax.load.__name__)"
    found = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True
    )
    assert found.stdout == "[] load\n", found.stderr


@pytest.mark.parametrize("path", sources("anymo_jax"), ids=str)
def test_frameworks_stay_in_their_rooms(path):
    for name in imports(path):
        top = name.split(".")[0]
        if top == "flax":
            assert room_of(path) in FLAX, f"{path}: flax"
        if top == "jraph":
            assert path == JRAPH, f"{path}: jraph belongs in encoder/graph.py"
        assert top not in ("torch", "tensorflow", "experiments", "configs"), path


@pytest.mark.parametrize("path", sources("configs"), ids=str)
def test_configs_import_nothing_of_ours(path):
    for name in imports(path):
        assert name.split(".")[0] not in ("anymo_jax", "experiments", "jax"), path


@pytest.mark.parametrize("path", sources("anymo_jax", "experiments"), ids=str)
def test_nothing_unpickles_and_no_attic_opens(path):
    text = path.read_text()
    assert path.name not in ("utils.py", "common.py", "helpers.py")
    assert "allow_pickle=True" not in text
    assert not re.search(r"\bpickle\.loads?\(|\btorch\.load\(", text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "load":
            owner = getattr(node.func, "value", None)
            if getattr(owner, "id", "") == "np":
                given = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
                assert given.get("allow_pickle") is False, f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", sources("experiments"), ids=str)
def test_commands_define_flags_only_when_they_are_run(path):
    """Several have an --out: who imports two of them must not meet both."""
    inside = (ast.FunctionDef, ast.ClassDef)
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, inside):
            continue
        for node in ast.walk(statement):
            called = getattr(getattr(node, "func", None), "attr", "")
            assert not called.startswith("DEFINE_"), f"{path}:{node.lineno}: {called}"


@pytest.mark.parametrize("path", sources("anymo_jax", "experiments"), ids=str)
def test_files_and_functions_keep_their_size(path):
    text = path.read_text()
    if path.parent.name != "captions":
        assert len(text.splitlines()) <= 400, path
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = node.end_lineno - node.lineno + 1
            assert lines <= 80, f"{path}:{node.lineno} {node.name} has {lines} lines"


@pytest.mark.parametrize(
    "path", sources("anymo_jax", "experiments", "configs"), ids=str
)
def test_every_module_and_public_function_says_what_it_is(path):
    tree = ast.parse(path.read_text())
    if path.name != "__init__.py" or tree.body:
        assert ast.get_docstring(tree), f"{path}: no docstring"
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            if node.name[0] == "_" or node.name == "main":
                continue
            assert ast.get_docstring(node), f"{path}:{node.lineno} {node.name}"
