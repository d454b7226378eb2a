"""A virtual environment of its own, as a stranger's machine has one, without the network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from sysconfig import get_path
from typing import Any

_OFFLINE = (
    "--no-index",
    "--no-deps",
    "--no-build-isolation",
    "--quiet",
    "--disable-pip-version-check",
)


ON_SQLITE = "-k 'not postgresql'"
"""What a stranger's pytest is told where another run tries both engines."""

# Of the project's own shell and test run, which have nothing to say here.
_UNSAID = ("CRMKIT_", "PYTEST_", "PYTHONPATH")
_ROOT = Path(__file__).parents[2]
_ASKING = Path(__file__).parent / "asking.py"


class Environment:
    """What is installed here besides crmkit, and a folder in which commands run."""

    def __init__(self, place: Path, folder: Path) -> None:
        venv.create(place, with_pip=False, symlinks=True)
        self.python = place / "bin" / "python"
        self.folder = folder
        self.variables: dict[str, str] = {}
        # What the project's own environment has is here too, crmkit among it.
        [packages] = place.glob("lib/python*/site-packages")
        added = f"import site; site.addsitedir({get_path('purelib')!r})\n"
        (packages / "project.pth").write_text(added)

    def install(self, *arguments: str) -> None:
        """Installs with pip what the arguments name."""
        self._pip("install", *_OFFLINE, *arguments)

    def uninstall(self, distribution: str) -> None:
        self._pip("uninstall", "--yes", "--quiet", distribution)

    def run(self, module: str, *arguments: str) -> str:
        """What a module says that is run; it has to end well."""
        done = self.ended(module, *arguments)
        assert done.returncode == 0, f"{module} {arguments}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def asked(self, *documents: str) -> list[dict[str, Any]]:
        """What an app of this folder answers to each, its handlers told of the one before."""
        done = self._ended(str(self.python), str(_ASKING), *documents)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def ended(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """How a module ended that was run."""
        return self._ended(str(self.python), "-m", module, *arguments)

    def environment(self) -> dict[str, str]:
        """The variables of a shell in which it is active."""
        inherited = {key: each for key, each in os.environ.items() if not key.startswith(_UNSAID)}
        # What mypy finds out of crmkit takes it twenty seconds, and holds from run to run.
        kept = {"MYPY_CACHE_DIR": str(_ROOT / ".mypy_cache" / "strangers")}
        return {**inherited, **kept, "COLUMNS": "160", **self.variables}

    def _pip(self, *arguments: str) -> None:
        done = self._ended(sys.executable, "-m", "pip", "--python", str(self.python), *arguments)
        assert done.returncode == 0, done.stderr

    def _ended(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
