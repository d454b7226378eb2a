from __future__ import annotations

from tests.engine.alike import each_query_is_answered_alike

__all__ = ["each_query_is_answered_alike"]
