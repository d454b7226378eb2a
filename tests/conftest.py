from __future__ import annotations

pytest_plugins = ["crmkit.testing.pytest_plugin"]
