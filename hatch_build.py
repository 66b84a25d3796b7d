"""The build hook: a wheel or an editable install has the built pages, made from web/ where they aren't built yet."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _web(root: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("tollkeeper_web_build", Path(root) / "web" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class PagesHook(BuildHookInterface):
    """Builds web/ into the package, with Node from PyPI where the machine has none."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node, as a build requirement, only where it's needed."""
        web = _web(self.root)
        return [] if web.is_built() or web.node_on_machine() else [web.NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before files are gathered. A developer's (editable) install gets the tools for checking, too."""
        _web(self.root).build(with_tools=version == "editable")
