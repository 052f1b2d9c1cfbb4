"""The query engine: an operation is planned once and answered level by level (`docs/engine.md`)."""

from engine.engine import Engine as Engine
