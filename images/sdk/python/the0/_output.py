"""How the SDK writes JSON: one line, ASCII, always valid (private).

Nothing here imports `typing` or `datetime`: every bot and every query server pays for each import at its start.
"""

from __future__ import annotations

import json
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

_encode = json.JSONEncoder(allow_nan=False).encode

# Places that were already warned about, so that a bot which does the same thing at each tick says it once.
_warned: dict[str, bool] = {}


def to_json(value: Any, place: str) -> str:
    """`value` as JSON text. NaN and Infinity become null, since no JSON reader takes them; a warning names `place` once.

    Raises TypeError, ValueError or RecursionError when JSON cannot hold the value.
    """
    try:
        return _encode(value)
    except ValueError:
        text = json.dumps(value)  # a cycle is a ValueError too: it is raised again here
    warn_once("nan " + place, f"NaN or Infinity in {place} was written as null: JSON has no such numbers")
    return json.dumps(json.loads(text, parse_constant=lambda _name: None))


def timestamp() -> str:
    """Now, as `2026-01-02T03:04:05.678901Z`."""
    seconds, micros = divmod(time.time_ns() // 1000, 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{micros:06d}Z"


def write_line(stream: TextIO, fields: dict[str, Any], place: str) -> None:
    """Writes one JSON line and flushes it: standard output is a pipe, and what a killed bot had buffered would be lost."""
    stream.write(to_json(fields, place) + "\n")
    stream.flush()


def warn_once(topic: str, message: str) -> None:
    if topic not in _warned:
        _warned[topic] = True
        write_line(sys.stderr, {"level": "warn", "message": message, "timestamp": timestamp()}, "log")
