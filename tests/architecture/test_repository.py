"""The repository as a whole: one version, and nothing that is true on one machine only."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
from tests.architecture.sources import ROOT, expect_none

import tollkeeper

_HEADING = re.compile(r"^## \[?(\d+\.\d+\.\d+\w*|Unreleased)\]?", re.MULTILINE | re.IGNORECASE)

# Put together here, so that this file doesn't offend against itself.
_FOLDERS = "|".join(["work", "root", "farm"])
_MACHINE = re.compile(rf"(?<![\w.~/-])/(?:{_FOLDERS})/[\w.-]+")
_INDEX = re.compile(
    r"--(?:extra-)?index-url|\b(?:index-url|registry)\s*=\s*[\"']?https?:"
    r"|https?://[^\s/\"']*(?:artifactory|nexus|devpi|verdaccio|pypi-(?:mirror|proxy)|npm-(?:mirror|proxy))[^\s/\"']*"
    r"|https?://[^\s\"']+/(?:simple|repository|artifactory)/"
)


def newest_version(changelog: str) -> str | None:
    """The first version that has a heading; None while there's nothing but an Unreleased one."""
    headings = _HEADING.findall(changelog)
    assert headings, "CHANGELOG.md needs a heading such as '## 0.1.0 (2026-01-31)' or '## Unreleased'"
    assert "unreleased" not in [heading.lower() for heading in headings[1:]], "Unreleased stands first or not at all"
    return next((heading for heading in headings if heading.lower() != "unreleased"), None)


def of_one_machine(name: str, text: str) -> list[str]:
    """Paths of a development machine, and addresses of package registries."""
    return [
        f"{name}:{number} {found[0]}"
        for number, line in enumerate(text.splitlines(), 1)
        for pattern in (_MACHINE, _INDEX)
        if (found := pattern.search(line))
    ]


def tracked() -> list[str]:
    """What git tracks, or would once it's added."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_there_is_one_version() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert tollkeeper.__version__ == declared
    assert newest_version((ROOT / "CHANGELOG.md").read_text(encoding="utf-8")) in (declared, None)


def test_nothing_is_true_on_one_machine_only() -> None:
    names = tracked()
    assert "pyproject.toml" in names
    texts = ((name, (ROOT / name).read_bytes()) for name in names)
    expect_none(
        found
        for name, data in texts
        if b"\0" not in data
        for found in of_one_machine(name, data.decode(errors="replace"))
    )


def test_versions_are_read() -> None:
    assert newest_version("# Changelog\n\n## 0.2.0 (2026-02-01)\n\n## 0.1.0\n") == "0.2.0"
    assert newest_version("## [Unreleased]\n\n## [0.1.0]\n") == "0.1.0"
    assert newest_version("## Unreleased\n\n### Added\n") is None
    with pytest.raises(AssertionError):
        newest_version("# Changelog\n")
    with pytest.raises(AssertionError):
        newest_version("## 0.1.0\n\n## Unreleased\n")


@pytest.mark.parametrize(
    "text",
    [
        f"cd {'/wo' + 'rk'}/main",
        f'data = "{"/ro" + "ot"}/.cache"',
        f"PYTHON={'/fa' + 'rm'}/bin/python",
        "pip install --index" + "-url https://example.com/x",
        "https://pypi-" + "mirror.example.com/packages",
        "registry" + "=https://npm.example.com/",
    ],
)
def test_machine_texts_are_found(text: str) -> None:
    assert len(of_one_machine("sample", f"fine\n{text}\n")) == 1


@pytest.mark.parametrize("text", ["/rooted/", "a/work/b", "https://pypi.org/project/x", "under `/root`,", "net/work/x"])
def test_other_texts_are_not(text: str) -> None:
    assert of_one_machine("sample", text) == []


def direct_dependencies() -> set[str]:
    """Everything that pyproject.toml asks for, by name."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = declared["project"]
    lists = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *declared["dependency-groups"].values(),
    ]
    return {re.split(r"[^\w.-]", line, maxsplit=1)[0] for each in lists for line in each if isinstance(line, str)}


def test_every_dependency_has_a_reason() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| ([\w.-]+)(?: \([^|]+\))? \|", page, re.MULTILINE)) - {"package"}
    assert len(explained) > 20
    assert explained == direct_dependencies()


def test_decisions_fit_on_a_page_and_have_consequences() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        assert {"Context", "Decision", "Consequences", "Rejected"} <= set(headings), page.name
        assert len(text.splitlines()) <= 60, page.name
