"""A change of the code that decides is a change of the version, or is said not to be one."""

import ast
import hashlib
from pathlib import Path

import pytest

from analysis import understand

READ_BY = (3, "1a65755104056cbb")
"""`RULES` and the digest of the sources that belong to it."""

FOLDER = Path(understand.__file__).parent


def deciding() -> list[str]:
    """Modules of `analysis` that `understand` reads with, found by their imports."""
    found, open_ = {"understand"}, ["understand"]
    while open_:
        for node in ast.walk(ast.parse((FOLDER / f"{open_.pop()}.py").read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "analysis":
                names = [node.module.partition(".")[2]] if "." in node.module else [one.name for one in node.names]
                open_ += [name for name in names if name not in found]
                found.update(names)
    return sorted(found)


def digest(sources: list[str]) -> str:
    """Of the code alone: comments, docstrings and lay-out decide nothing."""
    total = hashlib.sha256()
    for source in sources:
        tree = ast.parse(source)
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [one for one in body if not _is_said(one)] or [ast.Pass()]  # type: ignore[attr-defined]
        total.update(ast.dump(tree).encode())
    return total.hexdigest()[:16]


def _is_said(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def test_code_that_reads_otherwise_has_another_version() -> None:
    now = understand.RULES, digest([(FOLDER / f"{name}.py").read_text("utf-8") for name in deciding()])
    assert now == READ_BY, (
        "the code of the understanding stage changed: raise analysis.understand.RULES unless every text is read as "
        f"before, then write {now} into READ_BY"
    )


def test_the_number_is_part_of_the_version_and_comments_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    before = understand.version()
    monkeypatch.setattr(understand, "RULES", understand.RULES + 1)
    understand._rules.cache_clear()
    assert understand.version() != before
    monkeypatch.undo()
    understand._rules.cache_clear()
    assert understand.version() == before
    assert digest(["x = 1  # one\n"]) == digest(['"""Said."""\nx = 1\n']) != digest(["x = 2\n"])
    assert {"spelling", "urgent", "topics", "tokens", "second_topics", "language"} <= set(deciding())
