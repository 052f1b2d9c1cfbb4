"""Tests. While what they need is imported, nothing is garbage: the collector of cycles rests until that is over."""

import gc
import sys

if "pytest" in sys.modules:
    gc.disable()  # `pytest_sessionstart` of the conftest enables it.
