"""Finds phrases that docs/style.md replaces, and broken links of pages. tools/tidy.py reports both."""

import re
from collections import Counter
from pathlib import PurePosixPath

# Phrases and their replacements. Phrases that are also good English ("behind a proxy", "there is no key") are left out.
TICS = [
    (re.compile(r"\bstands? (in|for|at|behind|beside|there|where|on|already)\b", re.I), 'write "is", "contains" or "means"'),
    (re.compile(r"(?<!left )(?<!leave )(?<!leaves )(?<!falls )(?<!fall )(?<!lags )\bbehind\b(?! (a|the|one) (proxy|port|firewall|load balancer)\b)",
                re.I), 'write "after"'),
    (re.compile(r"(?<!there )\b(is|are|was|were) no (?!longer\b|more than\b|\w+er than\b)", re.I), 'write "is not a"'),
    (re.compile(r"\b(is|are) (?-i:none)( of)?\b", re.I), 'write "is not", or name the thing'),
    (re.compile(r"\bas (it|they) came\b|\bcame to be\b", re.I), 'write "original" or "unchanged"'),
    (re.compile(r"\b(what|who|which) (is|are|was|were) asked\b|\bis asked (of|for)\b", re.I), 'write "the request" or "the caller"'),
    (re.compile(r"\banew\b", re.I), 'write "again"'),
    (re.compile(r"\b(is|are|was|were) (to be )?had\b|\bunless given\b|\bfor ever\b", re.I), 'write "is available", "default", "forever"'),
]
# A comment that begins so describes a noun that it does not name.
WHAT = re.compile(r"(//[/!]?<?|^\s*#|\"\"\")\s*What\b")

PAGE = re.compile(r"(README|CONTRIBUTING|(docs|examples)/[\w/.-]+)\.md")
CODE = re.compile(r".*\.(cpp|hpp|py|sh|yaml|toml)$")

# Pages that follow docs/style.md: there, a phrase of the list is an error. Add a page when you have revised it.
REVISED = {f"docs/{page}.md" for page in ("README", "api-examples", "architecture", "event-format", "formats", "guarantees", "lake", "operations", "history-schema", "benchmarks", "security", "dependencies", "reading", "settings", "style", "tutorial", "types-and-comparison", "uploads", "xlsx")} | {"README.md", "CONTRIBUTING.md", "docs/openapi.yaml", "examples/README.md"}
# Directories in which every file follows docs/style.md.
REVISED_DIRECTORIES = ("bench/", "deploy/", "docs/decisions/", "tests/property/", "tests/support/", "tools/")


def prose_lines(name, text):
    """Yields (line number, text to check): of a page without code and without the table of docs/style.md, of a source all lines."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if name.endswith(".md"):
            if line.lstrip().startswith("```"):
                fenced = not fenced
                continue
            if fenced or line.startswith("    ") or (name == "docs/style.md" and line.startswith("|")):
                continue
            line = re.sub(r"`[^`]*`|\]\([^)]*\)", "", line)
        yield number, line


def phrases(name, text):
    """[(line, complaint)] of the phrases in one file. Mutants quote the sources, so they are left out."""
    if name.startswith("tools/mutants/") or not (PAGE.fullmatch(name) or CODE.fullmatch(name)) or name in ("tools/prose.py", "tests/unit/tools/tidy_test.py"):
        return []
    found = []
    for number, line in prose_lines(name, text):
        found += [(number, f'"{hit.group(0).strip()}": {advice} (docs/style.md)') for tic, advice in TICS for hit in tic.finditer(line)]
        if not name.endswith(".md") and WHAT.search(line):
            found.append((number, 'a comment that begins "What": name the thing (docs/style.md)'))
    return found


def directory_of(name):
    parts = PurePosixPath(name).parts
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0] if len(parts) > 1 else "."


def check_prose(root, files):
    """(findings in revised pages, number of warnings by directory)."""
    findings, warnings = [], Counter()
    for name in files:
        if not (PAGE.fullmatch(name) or CODE.fullmatch(name)):
            continue
        found = phrases(name, (root / name).read_text(errors="replace"))
        if name in REVISED or name.startswith(REVISED_DIRECTORIES):
            findings += [(name, line, complaint) for line, complaint in found]
        elif found:
            warnings[directory_of(name)] += len(found)
    return findings, warnings


def anchors(text):
    """The anchors that GitHub generates for the headings of a page."""
    seen, found, fenced = Counter(), set(), False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        heading = None if fenced else re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if heading:
            plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1])
            slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
            found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
    return found


LINK = re.compile(r"\]\(([^)\s]+)\)|<(?:img|source)[^>]*\ssrc(?:set)?=\"([^\"]+)\"")
# A path in running text, such as "docs/lake.md" or "docs/decisions/0017", where a decision may be cited by its number.
CITED_PAGE = re.compile(r"(?<![\w/])docs/(decisions/\d{4}(?:-[\w-]+\.md)?|[\w-]+\.(?:md|yaml|svg))")


def check_page_links(root, files):
    """Checks that each link of a page leads to a file of the tree and to a heading in it, and that each cited page exists."""
    findings, known = [], set(files)
    directories = {str(parent) for name in files for parent in PurePosixPath(name).parents}
    for name in files:
        if not PAGE.fullmatch(name):
            continue
        text = (root / name).read_text()
        for number, line in enumerate(text.splitlines(), 1):
            for cited in CITED_PAGE.findall(line):
                page = f"docs/{cited}"
                if page not in known and not (page[-1].isdigit() and any(each.startswith(page + "-") for each in known)):
                    findings.append((name, number, f"there is no {page}"))
            for link in (first or second for first, second in LINK.findall(re.sub(r"`[^`]*`", "", line))):
                if re.match(r"[a-z]+:", link):
                    continue
                path, _, anchor = link.partition("#")
                target = name if not path else str(PurePosixPath(re.sub(r"(^|/)[^/]+/\.\./", r"\1", str(PurePosixPath(name).parent / path))))
                if target not in known and target.rstrip("/") not in directories:
                    findings.append((name, number, f"the link {link} leads nowhere"))
                elif anchor and target.endswith(".md") and anchor not in anchors((root / target).read_text()):
                    findings.append((name, number, f"{target} has no heading #{anchor}"))
    return findings
