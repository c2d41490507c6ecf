"""Generates clients of docs/openapi.yaml, compiles them, and runs them against the real server. Each uploads two versions, lists
them and their rows, reads the history of a row, follows the stream of events, and gets a problem."""

import compileall
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/openapi.yaml"
PROGRAMS = Path(__file__).parent / "clients"
JARS = ROOT / ".deps/openapi-clients-7.16.0"
TYPESCRIPT = ROOT / ".deps/typescript-5.9.3"
# tools/bootstrap.sh test installs it if the machine has none or an old one.
NODE = next(map(str, (ROOT / ".deps").glob("node-*/bin/node")), None) or shutil.which("node")

VERSIONS = ["id,amount\n1,10.5\n2,20\n", "id,amount\n1,11.5\n2,20\n"]
TYPES = {"amount": "decimal(4)"}
EXPECTED = {
    "answers": [["published", 1, 2, True], ["published", 2, 1, True]],
    "versions": [[1, "published", TYPES], [2, "published", TYPES]],
    "records": {"1": {"id": "1", "amount": "11.5"}, "2": {"id": "2", "amount": "20"}},
    "history": [["insert", 1, []], ["update", 2, ["amount"]]],
    "events": [["insert", "1", 1], ["insert", "2", 1], ["update", "1", 2]],
    "problem": 404,
}


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "v1.csv", tmp_path / "v2.csv"]
    for path, content in zip(paths, VERSIONS):
        path.write_text(content)
    return paths


def test_a_client_of_openapi_python_client(server, files, tmp_path):
    config = tmp_path / "config.yaml"
    # Skip the formatting of the generated code.
    config.write_text("post_hooks: []\ncontent_type_overrides: {text/csv: application/octet-stream}\n")
    made = run([Path(sys.executable).with_name("openapi-python-client"), "generate", "--path", DOCUMENT, "--config", config,
                "--output-path", tmp_path / "client", "--meta", "none", "--fail-on-warning"])
    assert "WARNING" not in made, made
    assert compileall.compile_dir(tmp_path / "client", quiet=1)
    shutil.copy(PROGRAMS / "use_client.py", tmp_path)
    assert json.loads(run([sys.executable, "use_client.py", server.url, "python", *files], cwd=tmp_path)) == EXPECTED


def test_clients_of_openapi_generator_in_java_and_typescript(server, files, tmp_path):
    generate_in_java_and_typescript(tmp_path)

    compiler = TYPESCRIPT / "lib/tsc.js"
    shutil.copy(PROGRAMS / "use_client.ts", tmp_path)
    run([NODE, compiler, "--strict", "--target", "es2022", "--lib", "es2022,dom,dom.iterable", "--module", "commonjs",
         "--outDir", tmp_path / "typescript", tmp_path / "use_client.ts"])
    assert json.loads(run([NODE, tmp_path / "typescript/use_client.js", server.url, "typescript", *VERSIONS])) == EXPECTED

    classpath = f"{JARS}/*:{tmp_path}/classes"
    run_java("-cp", JARS / "ecj-3.33.0.jar", "org.eclipse.jdt.internal.compiler.batch.Main", "-17", "-nowarn", "-proc:none", "-cp",
             ":".join(map(str, JARS.glob("*.jar"))), "-d", tmp_path / "classes", tmp_path / "java/src/main/java", PROGRAMS / "UseClient.java")
    assert json.loads(run_java("-cp", classpath, "UseClient", server.url, "java", *files)) == EXPECTED


def generate_in_java_and_typescript(folder):
    common = {"inputSpec": str(DOCUMENT)}
    options = {
        "java": {"generatorName": "java", "library": "okhttp-gson", "outputDir": str(folder / "java"),
                 "additionalProperties": {"useSingleRequestParameter": "true", "openApiNullable": "false"},
                 "globalProperties": {"apiDocs": "false", "modelDocs": "false", "apiTests": "false", "modelTests": "false"}},
        "client": {"generatorName": "typescript-fetch", "outputDir": str(folder / "client")},
    }
    configs = []
    for name, option in options.items():
        configs.append(folder / f"{name}.json")
        configs[-1].write_text(json.dumps(common | option))
    run_java("-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", JARS / "openapi-generator-cli-7.16.0.jar",
             "org.openapitools.codegen.OpenAPIGenerator", "batch", "--fail-fast", *configs)


def run_java(*arguments):
    """Runs Java without the optimizing compiler, because a short run is faster without it."""
    return run(["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *arguments])


def run(command, **more):
    """Returns the command's standard output."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=240, **more)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}\n{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
    return done.stdout
