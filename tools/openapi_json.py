#!/usr/bin/env python3
"""Converts an OpenAPI file from YAML to JSON.

    tools/openapi_json.py FROM.yaml TO.json
"""

import json
import sys
from pathlib import Path

import yaml


class Loader(yaml.SafeLoader):
    """YAML without dates: a value like 2025-03-31 remains a string."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

source, target = map(Path, sys.argv[1:])
document = yaml.load(source.read_text(encoding="utf-8"), Loader)
target.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
