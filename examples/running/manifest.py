"""What an example says about itself, in its `example.toml`:

title = "Recruiting"
port = 8410                                      # the app's; Tollkeeper takes the next, the simulator the one after
payments = "test"                                # Tollkeeper's setting of that name
catalogs = { fixed = "catalog.toml", real-cost = "catalog-real-cost.toml" }    # the first is the usual one

[environment]                                    # optional: more of the environment, of the app and of Tollkeeper
TOLLKEEPER_CHECKOUT_URL = "{url}/checkout/{id}"  # {url} stands for the app's address
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from examples.running.children import ExampleFailed

ROOT = Path(__file__).parents[2]
MANIFEST = "example.toml"


@dataclass(frozen=True, slots=True)
class Example:
    """One example."""

    name: str
    """The name of its folder, of the schema of its views and, with `example_` before it, of its database."""
    title: str
    folder: Path
    port: int
    payments: str
    catalogs: dict[str, Path]
    environment: dict[str, str]

    def catalog(self, name: str | None) -> Path:
        """The catalog of that name, or the usual one. Raises ExampleFailed."""
        if name is None:
            return next(iter(self.catalogs.values()))
        if name not in self.catalogs:
            raise ExampleFailed(f"{self.title} has no catalog {name!r}. It has {', '.join(self.catalogs)}.")
        return self.catalogs[name]

    @property
    def views(self) -> Path | None:
        """Its views for people who read with SQL, if it has some."""
        file = self.folder / "views.sql"
        return file if file.exists() else None

    @property
    def app(self) -> str:
        """The app, as uvicorn finds it."""
        return ".".join([*self.folder.relative_to(ROOT).parts, "app:app"])


def names() -> list[str]:
    """All examples that can be run."""
    return sorted(file.parent.name for file in (ROOT / "examples").glob(f"*/{MANIFEST}"))


def example_in(folder: Path) -> Example:
    """The example in that folder."""
    read = tomllib.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return Example(
        name=folder.name,
        title=read["title"],
        folder=folder,
        port=read["port"],
        payments=read.get("payments", "none"),
        catalogs={name: folder / file for name, file in read["catalogs"].items()},
        environment=read.get("environment", {}),
    )


def example(name: str) -> Example:
    """The example of that name; `resume-builder` is `resume_builder`. Raises ExampleFailed."""
    if (found := name.replace("-", "_")) not in names():
        raise ExampleFailed(f"There is no example {name!r}. There are {', '.join(names())}.")
    return example_in(ROOT / "examples" / found)
