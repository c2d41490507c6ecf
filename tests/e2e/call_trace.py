"""Reads the trace of calls that change files, which `DELTADROP_FAULT=trace:FILE` writes: see src/io/fault_point.hpp."""

import re
from pathlib import Path


class Trace:
    """A list of (call, path, other path). The paths are relative to `root`, the watched folder."""

    def __init__(self, calls):
        self.calls = calls

    @classmethod
    def read(cls, file, root):
        def relative(path):
            return re.sub(f"^{re.escape(str(root))}/?", "", path)

        lines = Path(file).read_text().splitlines()
        return cls([(call, relative(path), relative(other)) for call, path, other in (line.split("\t") for line in lines)])

    def __str__(self):
        return "\n".join("\t".join(call) for call in self.calls)

    def split(self, call, path):
        """Splits the trace before each such call. Leaves out the part before the first one."""
        starts = [index for index, each in enumerate(self.calls) if matches(each, call, path)]
        return [Trace(self.calls[start:end]) for start, end in zip(starts, starts[1:] + [len(self.calls)])]

    def renames(self, pattern):
        """[(old name, new name)] of the files whose new name matches."""
        return [(path, other) for call, path, other in self.calls if call == "rename" and re.fullmatch(pattern, other)]

    def assert_order(self, *steps):
        """Checks that the steps (call, path pattern) occur in this order. A rename is found by its new name."""
        at = 0
        for number, (call, path) in enumerate(steps):
            while at < len(self.calls) and not matches(self.calls[at], call, path):
                at += 1
            assert at < len(self.calls), f"no {call} of {path} after {steps[:number]} in\n{self}"
            at += 1

    def assert_synced_after_removals(self, folder, removed):
        """Checks that the folder is synced after the last of its files was removed."""
        last = {call: number for number, (call, path, _) in enumerate(self.calls)
                if (call == "unlink" and re.fullmatch(removed, path)) or (call == "fsync" and path == folder)}
        assert "unlink" in last and last["fsync"] > last["unlink"], f"{folder} is not synced after its last removal in\n{self}"

    def assert_synced_before_rename(self, old, new):
        """Checks that a file is synced after its last write and before its rename."""
        renamed = self.calls.index(("rename", old, new))
        before = [call for call, path, _ in self.calls[:renamed] if path == old and call in ("create", "write", "truncate", "fsync")]
        assert before and before[-1] == "fsync", f"{new} gets its name before its bytes are synced: {before}"


def matches(made, call, path):
    what, first, other = made
    if what != call:
        return False
    return re.fullmatch(path, other if call in ("rename", "link", "point") else first) is not None


def folder_of(path):
    """"" is the watched folder itself."""
    return re.escape(str(Path(path).parent)) if "/" in path else ""
