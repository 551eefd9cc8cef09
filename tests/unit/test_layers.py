"""The rule that import-linter cannot state without a list: what some packages may import."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPANION = ROOT / "companion"
ALLOWED = {"domain": {"dateutil.rrule"}, "services": set[str](), "launcher": set[str]()}


def foreign_imports(source: str) -> Iterator[str]:
    """Every imported name that is neither the standard library's nor ours; late imports too."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "." * node.level]
        for name in names:
            if name.partition(".")[0] not in {*sys.stdlib_module_names, "companion"}:
                yield name


@pytest.mark.parametrize("package", ALLOWED)
def test_the_inner_packages_and_the_launcher_use_the_standard_library_only(package: str) -> None:
    modules = sorted((COMPANION / package).rglob("*.py"))
    assert modules
    foreign = {
        (str(module.relative_to(COMPANION)), name)
        for module in modules
        for name in foreign_imports(module.read_text("utf-8"))
        if name not in ALLOWED[package]
    }
    assert foreign == set()


def test_what_python_runs_before_the_launcher_imports_nothing_at_all() -> None:
    source = (COMPANION / "__init__.py").read_text("utf-8")
    imports = [node for node in ast.walk(ast.parse(source)) if "Import" in type(node).__name__]
    assert imports == []


def test_a_late_or_partial_import_of_a_library_is_seen() -> None:
    source = (
        "import json\nfrom companion import domain\ndef f():\n    from rich.table import Table\n"
    )
    assert [*foreign_imports(source)] == ["rich.table"]
    assert [*foreign_imports("from dateutil import parser")] == ["dateutil"]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_every_path_that_a_page_names_is_there(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    paths = set(re.findall(r"`((?:companion|tests|static|\.github)/[\w./-]*)`", text))
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_the_architecture_page_names_every_top_level_package_once() -> None:
    rows = re.findall(r"(?m)^\| .*$", (ROOT / "ARCHITECTURE.md").read_text("utf-8"))
    named = re.findall(r"`([\w.]+/?)`", " ".join(rows))
    packages = {f"{each.parent.name}/" for each in COMPANION.glob("*/__init__.py")}
    modules = {each.name for each in COMPANION.glob("*.py")} - {"__init__.py"}
    assert {each: named.count(each) for each in packages | modules} == dict.fromkeys(
        packages | modules, 1
    )
