"""What the documents show works: each GraphQL block is sent to a served demo, each command and path is there."""

import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from graphql import OperationDefinitionNode, OperationType, parse, validate
from typer.testing import CliRunner

from api.banner import MUTATION, QUERY, SUBSCRIPTION
from api.cli import cli
from api.settings import ROOT, table
from geo.db import Database
from geo.demo.load import load
from geo.models import Role
from geo.viewer import Viewer
from schema.root import make_schema
from tests.conftest import Served, running

PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
APP = Viewer(Role.APP, "docs/app", "docs")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL):
            yield page.name, block


def operation(document: str) -> OperationDefinitionNode:
    (found,) = parse(document).definitions
    assert isinstance(found, OperationDefinitionNode)
    return found


GRAPHQL = [*blocks("graphql"), ("banner", QUERY), ("banner", MUTATION), ("banner", SUBSCRIPTION)]


@pytest.mark.parametrize(("page", "document"), GRAPHQL)
def test_every_graphql_block_is_valid(page: str, document: str) -> None:
    assert validate(make_schema()._schema, parse(document)) == []


@pytest.mark.anyio
async def test_every_query_and_mutation_of_the_documents_is_answered(server_with_demo: Served) -> None:
    headers = server_with_demo.headers(APP) | {"Bart-Resident": "reader"}
    async with httpx.AsyncClient(headers=headers) as client:
        report = None
        for page, document in GRAPHQL:
            if operation(document).operation is OperationType.SUBSCRIPTION:
                continue
            answer = await client.post(
                server_with_demo.graphql, json={"query": document, "variables": {"report": report}}
            )
            body = answer.json()
            assert "errors" not in body, (page, document, body)
            for outcome in body["data"].values():
                assert not (isinstance(outcome, dict) and "hint" in outcome), (page, document, outcome)
            if "submitReport" in body["data"]:
                report = body["data"]["submitReport"].get("report", {}).get("id", report)


@pytest.fixture
async def server_with_demo(database_url: str, db: Database, tmp_path: Path) -> AsyncIterator[Served]:
    await load(db)
    async with running(database_url, db, tmp_path) as served:
        yield served


def test_every_command_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    commands = [line for _, block in blocks("sh") for line in block.splitlines()]
    assert commands
    for line in commands:
        if target := re.match(r"make (\w+)", line):
            assert re.search(rf"^{target[1]}:", makefile, re.MULTILINE), line
        if words := re.match(r"python -m api (.*)", line):
            arguments = words[1].split()
            asked = [a for a in arguments if not a.startswith("-")][:2] if arguments[0] == "areas" else arguments[:1]
            shown = CliRunner().invoke(cli, [*asked, "--help"], env={"TERM": "dumb", "COLUMNS": "200"})
            assert shown.exit_code == 0, line
            for option in (a for a in arguments if a.startswith("--")):
                assert option in shown.output, line


def test_the_settings_page_is_what_the_settings_class_says() -> None:
    assert (ROOT / "docs" / "settings.md").read_text().endswith(table())


def test_every_file_the_documents_name_is_there() -> None:
    for page in PAGES:
        text = page.read_text()
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (page.parent / link).exists(), (page.name, link)
        for path in re.findall(r"`((?:geo|schema|api|migrations|tests|bench|web|docs|\.ci)/[\w./]*)`", text):
            assert (ROOT / path).exists(), (page.name, path)


def test_the_architecture_names_every_folder() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for folder in {path.parts[0] for path in map(Path, _tracked()) if len(path.parts) > 1}:
        assert f"`{folder}/" in text, folder


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split()
