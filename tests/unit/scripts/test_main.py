"""The command line as a whole: every command is documented, and errors become exit codes."""

import re
import shutil
from pathlib import Path

import pytest
import typer

from scripts import main

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")


def commands(app: typer.Typer, prefix: str = "") -> dict[str, str]:
    """Each command and its help."""
    found = {f"{prefix}{x.name}": x.callback.__doc__ for x in app.registered_commands}
    for group in app.registered_groups:
        found |= commands(group.typer_instance, f"{prefix}{group.name} ")
    return found


@pytest.mark.parametrize("name", commands(main.app))
def test_every_command_has_an_example_and_stands_in_the_readme(name):
    assert f"Example: trailmix {name}" in commands(main.app)[name]
    group, _, last = f"trailmix {name}".rpartition(" ")
    assert re.search(rf"`{group} (\w+\\\|)*{last}\b", README), name


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["trailmix", *arguments])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ingest", "nowhere.yaml"], 2, "nowhere.yaml"),
        (["recommend", "15"], 1, "trailmix train"),
        (["serve"], 1, "trailmix train"),
        (["recommend", "15", "--k", "0"], 2, "k:"),
        (["nonsense"], 2, "nonsense"),
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


def test_a_folder_without_a_format_is_told_what_is_missing(tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "ingest", str(tmp_path)) == 2
    assert "name its --format" in capsys.readouterr().err


def test_a_wrong_setting_is_named(monkeypatch, capsys):
    monkeypatch.setenv("TRAILMIX_PATHS_THROUGH_USERS", "perhaps")
    assert run(monkeypatch, "graph", "status") == 2
    assert "paths_through_users" in capsys.readouterr().err.lower()
