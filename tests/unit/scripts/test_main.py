"""The command line as a whole: every command is documented, and errors become exit codes."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import main
from scripts.lazy import Command, Group, load

DOCUMENTED = (Path(__file__).parents[3] / "docs" / "commands.md").read_text(encoding="utf-8")
HEAVY = {"torch", "numpy", "neo4j", "flask", "pandas", "pydantic", "rich"}


def commands(group: Group, prefix: str = "") -> dict[str, Command]:
    """Each command by its whole name."""
    found: dict[str, Command] = {}
    for name, entry in group.commands.items():
        if isinstance(entry, Group):
            found |= commands(entry, f"{prefix}{name} ")
        else:
            found[f"{prefix}{name}"] = entry
    return found


COMMANDS = commands(main.COMMANDS)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["trailmix", *arguments])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return ended.value.code


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_and_is_documented(name):
    assert f"Example: trailmix {name}" in load(name, COMMANDS[name]).help
    group, _, last = f"trailmix {name}".rpartition(" ")
    assert re.search(rf"`{group} ([\w-]+\\\|)*{last}\b", DOCUMENTED), name


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_has_the_first_line_of_each_docstring(name):
    assert load(name, COMMANDS[name]).help.splitlines()[0] == COMMANDS[name].help


PROGRAM = """
import sys
from scripts import main
try:
    main.main()
except SystemExit:
    print("imported", *sys.modules)
"""


@pytest.mark.parametrize("arguments", [[], ["graph"], ["user"], ["export"], ["enrich"], ["bench"]])
def test_the_help_of_a_group_imports_no_command(arguments):
    """A group below the root reads the settings first, and so needs pydantic and structlog."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments, "--help"], capture_output=True, text=True, check=True
    )
    text, _, imported = done.stdout.rpartition("imported ")
    entry = main.COMMANDS
    for name in arguments:
        entry = entry.commands[name]
    assert re.findall(r"^  ([a-z]\S*)", text.partition("Commands:")[2], re.MULTILINE) == list(entry.commands)
    allowed = {"pydantic", "rich"} if arguments else set()
    assert not (HEAVY - allowed) & set(imported.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_its_own_help(name, monkeypatch, capsys):
    assert run(monkeypatch, *name.split(), "--help") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith(f"Usage: trailmix {name} ")
    assert COMMANDS[name].help in told


def test_ingest_undo_is_a_command_of_its_own(monkeypatch, capsys):
    assert run(monkeypatch, "ingest", "undo", "--help") == 0
    assert capsys.readouterr().out.startswith("Usage: trailmix ingest undo [OPTIONS]")


def test_a_misspelt_command_is_guessed(monkeypatch, capsys):
    assert run(monkeypatch, "trian") == 2
    assert "Did you mean 'train'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ingest", "nowhere.yaml"], 2, "nowhere.yaml"),
        (["recommend", "15"], 1, "trailmix train"),
        (["serve"], 1, "trailmix train"),
        (["recommend", "15", "--k", "0"], 2, "k:"),
        (["nonsense"], 2, "nonsense"),
        (["graph", "nonsense"], 2, "nonsense"),
        (["train", "--refresh", "--model-scorer", "ease"], 2, "leave out --model-scorer"),
        (["train", "--model-scorer", "oracle"], 2, "no scorer is called 'oracle'"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(arguments, code, said, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("TRAILMIX_HOME", str(tmp_path))
    assert run(monkeypatch, *arguments) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--report", "{shop}/mapping.yaml"], 2, "mapping.yaml: would be overwritten"),
        (["--report", "{shop}/x", "--rejects", "{shop}/x"], 2, "x: would be overwritten"),
        (["--report", "{shop}/no/x"], 2, "x: cannot be written: No such file"),
        (["--report", "{shop}"], 2, "cannot be written: Is a directory"),
        (["--report", "/dev/full"], 1, "No space left on device; the ingestion itself is done"),
    ],
)
def test_a_report_that_cannot_be_is_refused(options, code, said, bookshop, tmp_path, monkeypatch, capsys):
    shop = shutil.copytree(bookshop, tmp_path / "shop")
    files = {path: path.read_bytes() for path in shop.iterdir()}
    given = [option.format(shop=shop) for option in options]
    assert run(monkeypatch, "ingest", str(shop / "mapping.yaml"), "--dry-run", *given) == code
    assert said in capsys.readouterr().err
    assert {path: path.read_bytes() for path in shop.iterdir()} == files


def test_warnings_go_to_stderr_and_into_the_report(bookshop, tmp_path, monkeypatch, capsys):
    shop = shutil.copytree(bookshop, tmp_path / "a [red]\x1b shop")
    mapping, report = shop / "mapping.yaml", tmp_path / "report.json"
    mapping.write_text(mapping.read_text().replace("    liked_at_least: 3\n", ""))
    orders = shop / "orders.csv"
    orders.write_text(orders.read_text().replace("r2,b2,3", "r2,b2,-3"))
    assert run(monkeypatch, "ingest", str(mapping), "--dry-run", "--report", str(report)) == 0
    [warning] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert "[red]\\x1b shop/mapping.yaml, line 32, interactions.BOUGHT: the values in the column" in warning
    assert "add `liked_at_least: 2`" in warning
    [told] = json.loads(report.read_text())["warnings"]
    assert told.replace("\x1b", "\\x1b") == warning.removeprefix("warning: ")


def test_a_folder_without_a_format_is_told_what_is_missing(tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "ingest", str(tmp_path)) == 2
    assert "name its --format" in capsys.readouterr().err


def test_a_wrong_setting_is_named(monkeypatch, capsys):
    monkeypatch.setenv("TRAILMIX_PATHS_THROUGH_USERS", "perhaps")
    assert run(monkeypatch, "graph", "status") == 2
    assert "paths_through_users" in capsys.readouterr().err.lower()
