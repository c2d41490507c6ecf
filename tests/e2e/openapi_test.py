"""docs/openapi.yaml is an OpenAPI document that validators and generators accept."""

from pathlib import Path

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/openapi.yaml"


@pytest.fixture(scope="module")
def document():
    return yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))


def test_it_is_a_valid_openapi_document(document):
    errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in
              OpenAPIV31SpecValidator(document).iter_errors()]
    assert errors == []


def test_each_description_is_a_text_and_no_key_is_left_without_a_value(document):
    """An unquoted comma in `{description: Tables, versions}` makes the rest a key with the value null; `Yes` is a boolean."""
    found = [path for path, key, value in members(document)
             if value is None or (key in ("description", "summary") and not isinstance(value, (str, dict)))]
    assert found == []


@pytest.mark.parametrize("whole, part", [("UploadStatus", "Upload"), ("TableDetails", "Table")])
def test_a_schema_that_repeats_another_repeats_all_of_it(document, whole, part):
    schemas = document["components"]["schemas"]
    assert schemas[part]["properties"].items() <= schemas[whole]["properties"].items()
    assert set(schemas[part]["required"]) <= set(schemas[whole]["required"])


def members(node, path=""):
    """(path, key, value) of all members of all objects."""
    items = node.items() if isinstance(node, dict) else ((None, value) for value in node)
    for key, value in items:
        here = f"{path}/{key}"
        if key is not None:
            yield here, key, value
        if isinstance(value, (dict, list)):
            yield from members(value, here)
