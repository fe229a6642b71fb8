"""The operations GraphiQL opens with stay true to the committed schema, and its build to this project's own files."""

import json
from pathlib import Path

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, get_variable_values, parse, validate

ROOT = Path(__file__).parents[2]
GRAPHIQL = ROOT / "web" / "graphiql"
OPERATIONS = sorted((GRAPHIQL / "src" / "operations").glob("*.graphql"))
STORY = {
    "WhoAmI",
    "ReportsInSchildersbuurt",
    "ReportsInBox",
    "ReportsNear",
    "WatchNeighbourhood",
    "SubmitReport",
    "AddRemark",
    "CreateUpload",
    "ConfirmStillThere",
    "ChangeStatus",
    "RegisterMessage",
    "AdoptReport",
    "PublishAlert",
    "AreaStats",
}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "schema" / "schema.graphql").read_text())


def operation_in(file: Path) -> OperationDefinitionNode:
    """The file's only definition: GraphiQL names a tab after it."""
    (definition,) = parse(file.read_text()).definitions
    assert isinstance(definition, OperationDefinitionNode)
    return definition


def test_every_step_of_the_story_has_a_tab() -> None:
    assert {operation.name.value for file in OPERATIONS if (operation := operation_in(file)).name} == STORY


@pytest.mark.parametrize("file", OPERATIONS, ids=lambda file: file.stem)
def test_operation_is_valid(file: Path, schema: GraphQLSchema) -> None:
    assert validate(schema, parse(file.read_text())) == []


@pytest.mark.parametrize("file", OPERATIONS, ids=lambda file: file.stem)
def test_variables_fit_the_operation(file: Path, schema: GraphQLSchema) -> None:
    definitions = operation_in(file).variable_definitions or ()
    path = file.with_suffix(".json")
    variables = json.loads(path.read_text()) if definitions or path.exists() else {}
    assert variables.keys() == {definition.variable.name.value for definition in definitions}
    errors = get_variable_values(schema, definitions, variables)
    assert not isinstance(errors, list), errors


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads((GRAPHIQL / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
