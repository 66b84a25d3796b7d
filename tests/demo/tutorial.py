"""Runs the commands of the pages for newcomers, recipes too, and puts what they really print into the pages.

`python -m tests.demo.tutorial` after a change of what Tollkeeper prints, with the names of pages for only those; tests
compare the two. In a block marked `console`, a line behind `$ ` is a command, lines behind `> ` go on with it, and the
others are what it printed. A block marked `sh` that begins with `cat > ` writes a file.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from examples.running.children import own_port

ROOT = Path(__file__).parents[2]
RECIPES = sorted(page for page in (ROOT / "docs" / "recipes").glob("*.md") if page.name != "README.md")
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs" / "tutorial").glob("*.md")))
SERVERS = {"tollkeeper serve": "127.0.0.1:8377", "tollkeeper simulate-provider": "127.0.0.1:8378"}
"""Commands that go on in a terminal of their own, and the address that they have in the pages."""

_BLOCK = re.compile(r"^```(console\n|sh\n(?=cat > ))(.*?)^```$", re.MULTILINE | re.DOTALL)
_SETTING = re.compile(r"^export (TOLLKEEPER_(?!DATA)\w+)='?([^'$\n]+)'?$", re.MULTILINE)
_FOLDER = re.compile(r"^export TOLLKEEPER_DATA=(/tmp/[\w-]+)/data\b", re.MULTILINE)
_END = "the command has ended"
_CHANGING = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"toll_[\w-]{43}|toll_[\w-]+…"), "<key>"),
    (re.compile(r"toll[px]_[\w-]+"), "<secret>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<request>"),
    (re.compile(r'(?<=retry-after: )\d+|(?<="retry_after": )\d+'), "<seconds>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|Z)?"), "<time>"),
)


class Terminal:
    """A shell that commands are typed into one after the other."""

    def __init__(self, folder: Path, named: str, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.named = named
        """What the page calls the folder."""
        self.ports = {command: own_port() for command in SERVERS}
        self.servers: list[subprocess.Popen[bytes]] = []
        # Tollkeeper's commands are in the environment that runs this, as after `source .venv/bin/activate`.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOLLKEEPER_", "PG"))}
        own = {"TOLLKEEPER_DATA": str(folder / "data"), "TOLLKEEPER_SPOOL": str(folder / "spool.sqlite")}
        self.environment = kept | settings | own | {"PATH": path, "LC_ALL": "C.UTF-8"}
        self.shell = subprocess.Popen(
            ["bash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=self.environment,
        )

    def run(self, command: str) -> str:
        """What the command prints."""
        for server in SERVERS:
            if command.startswith(server):
                return self._serve(command, self.ports[server])
        stdin, stdout = _pipe(self.shell.stdin), _pipe(self.shell.stdout)
        stdin.write(f"{self._here(command)}\necho '{_END}'\n")
        stdin.flush()
        return self._there("".join(iter(stdout.readline, f"{_END}\n")))

    def close(self) -> None:
        """End the shell and the server."""
        for process in (self.shell, *self.servers):
            process.terminate()
            process.wait(30)
        _pipe(self.shell.stdin).close()
        _pipe(self.shell.stdout).close()

    def _here(self, command: str) -> str:
        """The page's command, for this terminal's folder and port."""
        command = command.replace(self.named, str(self.folder))
        for server, address in SERVERS.items():
            command = command.replace(address, f"127.0.0.1:{self.ports[server]}")
        return command

    def _serve(self, command: str, port: int) -> str:
        """Start the server beside the shell, as in another terminal, and give the line that it prints first."""
        log = self.folder / f"{port}.log"
        with log.open("wb") as output:
            line = [*command.split(), "--port", str(port)]
            self.servers.append(
                subprocess.Popen(line, stdout=output, stderr=subprocess.DEVNULL, env=self.environment, cwd=self.folder)
            )
        while "\n" not in log.read_text():
            if self.servers[-1].poll() is not None:
                raise RuntimeError("the server didn't start")
            time.sleep(0.05)
        return self._there(log.read_text().splitlines()[0] + "\n")

    def _there(self, text: str) -> str:
        """What a reader sees, whose folder and port are the page's."""
        text = text.replace(str(self.folder), self.named)
        for server, address in SERVERS.items():
            text = text.replace(f"127.0.0.1:{self.ports[server]}", address)
        return "".join(f"{line}\n" for line in text.splitlines())


@contextmanager
def terminal(named: str, settings: Mapping[str, str]) -> Iterator[Terminal]:
    """A terminal in a new folder that every account may enter: as root, PostgreSQL runs as another one."""
    folder = Path(tempfile.mkdtemp(prefix="toll-tour-", dir="/tmp"))
    folder.chmod(0o755)
    (folder / "examples").symlink_to(ROOT / "examples")
    opened = Terminal(folder, named, settings)
    try:
        yield opened
    finally:
        opened.close()
        shutil.rmtree(folder)


def rerun(page: str) -> str:
    """The page, with what its commands print now."""
    found = _FOLDER.search(page)
    assert found is not None, "the page doesn't say where its data is"
    with terminal(found[1], dict(_SETTING.findall(page))) as shell:
        return _BLOCK.sub(lambda block: f"```{block[1]}{_rerun_block(shell, block[2])}```", page)


def settled(page: str) -> str:
    """The page without what differs from run to run: ids, keys, times."""
    for pattern, name in _CHANGING:
        page = pattern.sub(name, page)
    return page


def _rerun_block(shell: Terminal, block: str) -> str:
    if block.startswith("cat > "):
        shell.run(block)
        return block
    result = ""
    for typed in commands(block):
        result += typed + shell.run("\n".join(line[2:] for line in typed.splitlines()))
    return result


def commands(block: str) -> list[str]:
    """The commands of a block, as they are typed, with their prompts."""
    found: list[str] = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append(line)
        elif line.startswith(("> ", ">\n")) and found:
            found[-1] += line
    return found


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


if __name__ == "__main__":
    asked = [Path(name).resolve() for name in sys.argv[1:]]
    for page in asked or (*PAGES, *RECIPES):
        page.write_text(rerun(page.read_text(encoding="utf-8")), encoding="utf-8")
