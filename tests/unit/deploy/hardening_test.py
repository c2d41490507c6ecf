"""The program that is built for Release has what compiler, linker and C library do against memory errors."""

import os
import re
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ["DELTADROP_BUILD"])


def setting(name):
    found = re.search(rf"^{name}:\w+=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.MULTILINE)
    return found[1] if found else ""


def readelf(*options):
    program = BUILD / "deltadrop"
    return subprocess.run(["readelf", "--wide", *options, str(program)], capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.fixture(scope="module", autouse=True)
def hardened():
    if setting("CMAKE_BUILD_TYPE") != "Release" or setting("DELTADROP_SANITIZE"):
        pytest.skip("only a build for Release, without sanitizers, is hardened")
    if setting("DELTADROP_HARDENING") != "ON":
        pytest.skip("DELTADROP_HARDENING is off")


def test_it_is_loaded_at_any_address():
    assert re.search(r"Type:\s+DYN", readelf("--file-header"))
    assert re.search(r"FLAGS_1.*\bPIE\b", readelf("--dynamic"))


def test_addresses_of_functions_cannot_be_overwritten():
    """Full RELRO: all of them are looked up at the start, and their table is read-only from then on."""
    assert "GNU_RELRO" in readelf("--program-headers")
    assert re.search(r"BIND_NOW|FLAGS_1.*\bNOW\b", readelf("--dynamic"))


def test_the_stack_is_not_executable():
    flags = re.search(r"GNU_STACK(?:\s+0x[0-9a-f]+){5}\s+([RWE ]+?)\s+0x", readelf("--program-headers"))
    assert flags and flags[1].strip() == "RW", readelf("--program-headers")


def test_functions_notice_that_the_stack_was_overwritten():
    assert "__stack_chk_fail" in readelf("--dyn-syms")


def test_copies_notice_that_their_target_is_too_small():
    checked = set(re.findall(r"\b__(\w+)_chk\b", readelf("--dyn-syms"))) - {"stack"}
    assert checked
