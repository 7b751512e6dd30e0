"""SDK of the0 for bots in Python.

*Input* (this module) reads what the bot was started with and writes its result, metrics and log. *State* (`the0.state`)
is a key/value store that survives restarts. *Queries* (`the0.query`) answer questions about the bot over HTTP.

    from the0 import metric, parse, state

    def main(bot_id=None, config=None):
        if config is None:
            bot_id, config = parse()
        count = state.get("count", 0) + config.get("step", 1)
        state.set("count", count)
        metric("count", {"value": count})

All environment variables are read when a function is called, not when the module is imported.
"""

from __future__ import annotations

import json
import os
import sys
import time

from . import _output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Literal, NoReturn, Optional, Tuple, Union

    from . import query, state

    LogLevel = Literal["info", "warn", "error"]

__version__ = "0.3.1"
__all__ = ["parse", "success", "error", "result", "metric", "log", "sleep", "state", "query"]


def parse() -> Tuple[str, Dict[str, Any]]:
    """The bot's id and config, from `BOT_ID` and `BOT_CONFIG`.

    Raises ValueError when one of them is unset or empty, or when the config is not JSON.
    """
    bot_id = os.environ.get("BOT_ID")
    if not bot_id:
        raise ValueError("BOT_ID environment variable not set")
    config = os.environ.get("BOT_CONFIG")
    if not config:
        raise ValueError("BOT_CONFIG environment variable not set")
    try:
        return bot_id, json.loads(config)
    except json.JSONDecodeError as problem:
        raise ValueError(f"Failed to parse BOT_CONFIG as JSON: {problem}") from problem


def success(message: str, data: Optional[Dict[str, Any]] = None) -> None:
    """Writes a result that says the run went well. The program goes on."""
    _write_result(_outcome("success", message, data))


def error(message: str, data: Optional[Dict[str, Any]] = None) -> NoReturn:
    """Writes a result that says the run failed, and exits with code 1."""
    _write_result(_outcome("error", message, data))
    sys.exit(1)


def result(result_data: Dict[str, Any]) -> None:
    """Writes `result_data` as the result of the run. Each call overwrites the one before."""
    _write_result(result_data)


def metric(metric_type: str, data: Dict[str, Any]) -> None:
    """Writes one metric line to standard output, at once. `data` may override `_metric`, never `timestamp`."""
    _output.write_line(sys.stdout, {"_metric": metric_type, **data, "timestamp": _output.timestamp()}, "metric")


def log(
    message: str,
    data_or_level: Optional[Union[Dict[str, Any], LogLevel]] = None,
    level: Optional[LogLevel] = None,
) -> None:
    """Writes one log line to standard error: `log("text")`, `log("text", "warn")`, `log("text", {...}, "error")`."""
    data: Dict[str, Any] = {}
    if isinstance(data_or_level, str):
        level = data_or_level
    elif data_or_level is not None:
        data = data_or_level
    line = {"level": level or "info", "message": message, **data, "timestamp": _output.timestamp()}
    _output.write_line(sys.stderr, line, "log")


def sleep(seconds: float) -> None:
    """Blocks for `seconds`."""
    time.sleep(seconds)


def _outcome(status: str, message: str, data: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    outcome: Dict[str, Any] = {"status": status, "message": message}
    if data:
        outcome["data"] = data
    return outcome


def _write_result(value: Any) -> None:
    """Never raises: a bot must not fail because its result could not be stored."""
    path = os.path.join("/", os.environ.get("CODE_MOUNT_DIR", "bot"), "result.json")
    try:
        text = _output.to_json(value, "result")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except Exception as problem:
        print(f"RESULT_ERROR: Failed to write result file: {problem}", file=sys.stderr)


def __getattr__(name: str) -> Any:
    # Loaded on first use: a bot without state or queries does not pay for them, nor anyone for `typing`.
    if name in ("query", "state"):
        __import__(f"{__name__}.{name}")  # not importlib.import_module: the module importlib alone costs 3 ms
        return sys.modules[f"{__name__}.{name}"]
    if name == "LogLevel":
        from typing import Literal

        return Literal["info", "warn", "error"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
