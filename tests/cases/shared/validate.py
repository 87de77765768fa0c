"""Validates values against schemas of JSON Schema 2020-12.

Standard input is a list of {"what", "schema", "value"}. What does not validate is written, and makes the exit code 1.
Each object whose properties a schema describes may have no others here: what is printed has to be described.
"""

import json
import sys

from jsonschema import Draft202012Validator


def close(schema):
    if isinstance(schema, dict):
        if "properties" in schema and "$ref" not in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            close(part)
    elif isinstance(schema, list):
        for part in schema:
            close(part)


wrong = 0
for case in json.load(sys.stdin):
    Draft202012Validator.check_schema(case["schema"])
    close(case["schema"])
    for error in Draft202012Validator(case["schema"]).iter_errors(case["value"]):
        wrong += 1
        print(f"{case['what']}: {error.json_path}: {error.message}")
sys.exit(1 if wrong else 0)
