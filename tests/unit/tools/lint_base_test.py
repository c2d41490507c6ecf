"""tools/lint_base.sh finds the commit that a checkout's changes are counted from, whatever history it has."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "tools" / "lint_base.sh"
ENVIRONMENT = {**{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
               "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
               **{f"GIT_{role}_{part}": "test@localhost" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}}


class Checkout:
    def __init__(self, folder):
        self.folder = folder

    def git(self, *arguments):
        run = subprocess.run(["git", "-C", self.folder, *arguments], env=ENVIRONMENT, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    def commit(self, name):
        self.git("commit", "--quiet", "--allow-empty", "--message", name)
        return self.git("rev-parse", "HEAD")

    def base(self):
        run = subprocess.run([SCRIPT], cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        assert len(run.stderr.splitlines()) == 1, "it says in one line which base it took"
        return run.stdout.strip(), run.stderr


@pytest.fixture
def project(tmp_path):
    made = Checkout(tmp_path / "project")
    made.folder.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    return made


def clone(project, name, *options):
    made = Checkout(project.folder.parent / name)
    project.git("clone", "--quiet", *options, f"file://{project.folder}", str(made.folder))
    return made


def test_a_branch_is_compared_with_where_it_left_main(project):
    left = project.commit("one")
    project.git("checkout", "--quiet", "-b", "topic")
    project.commit("two")
    project.commit("three")
    project.git("checkout", "--quiet", "main")
    project.commit("somebody else's")
    assert clone(project, "whole", "--branch", "topic").base()[0] == left
    project.git("checkout", "--quiet", "topic")
    assert project.base()[0] == left


def test_main_is_compared_with_what_it_was_before_the_last_landing(project):
    before = project.commit("one")
    project.git("checkout", "--quiet", "-b", "topic")
    project.commit("two")
    project.commit("three")
    project.git("checkout", "--quiet", "main")
    project.git("merge", "--quiet", "--no-ff", "--no-edit", "topic")
    assert clone(project, "whole").base()[0] == before
    assert clone(project, "two_deep", "--depth", "2").base()[0] == before


def test_a_checkout_without_history_has_no_base(project):
    project.commit("one")
    project.commit("two")
    base, reason = clone(project, "shallow", "--depth", "1").base()
    assert base == "" and "history ends" in reason


def test_neither_has_a_folder_without_git(tmp_path):
    base, reason = Checkout(tmp_path).base()
    assert base == "" and "no git history" in reason
