from __future__ import annotations

from hypothesis import settings

# The first Chinese name loads the dictionaries of pinyin, longer than an example may take.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
