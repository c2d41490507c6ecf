"""The input files. bench_generate makes each once; they stay in build/bench/data."""

import subprocess


class Data:
    def __init__(self, generator, folder):
        self.generator, self.folder = generator, folder
        folder.mkdir(parents=True, exist_ok=True)

    def file(self, rows, columns=20, revision=0, order="in_order"):
        """Returns one version of a ledger, and reads it into the page cache."""
        path = self.folder / f"{rows}x{columns}-{revision}-{order}.csv"
        if not path.exists() or path.stat().st_mtime < self.generator.stat().st_mtime:
            made = path.with_suffix(".part")
            subprocess.run([self.generator, made, str(rows), str(columns), str(revision), order], check=True)
            made.rename(path)
        with open(path, "rb") as file:
            while file.read(1 << 24):
                pass
        return path
