"""State: a key/value store of JSON files that survives restarts of the bot.

    from the0 import state

    state.set("portfolio", {"AAPL": 100})
    portfolio = state.get("portfolio", {})

Each key is one file `<STATE_DIR>/<key>.json`. A write replaces the file as a whole, so that neither a crash in the middle
nor a query that reads at the same moment ever sees half a value:

    value ──► JSON text ──► .<key>.json.tmp-<pid>-<n> ──► fsync ──► rename to <key>.json

The file is synced to disk, the directory is not: after a power failure a key holds its old or its new value, whole.

Queries only read: inside one, set, delete and clear raise ReadOnlyStateError.
"""

from __future__ import annotations

import itertools
import json
import os
import time

from . import _output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

_DEFAULT_DIR = "/state/.the0-state"
_SUFFIX = ".json"
_TEMP_MARK = ".json.tmp-"
# 255 bytes is the longest file name of the common file systems.
_MAX_KEY_BYTES = 255 - len(_SUFFIX)
# A write takes milliseconds, so a temporary file of this age was left by a process that is gone.
_STALE_TEMP_SECONDS = 60

_temp_numbers = itertools.count(1)
_swept_dirs: dict[str, bool] = {}
_serving_queries = False


class ReadOnlyStateError(Exception):
    """State was to be changed while a query is answered."""


def get(key: str, default: Any = None) -> Any:
    """The value of `key`, or `default` when there is none or when its file is not JSON (which is said on stderr)."""
    path = _path(key)
    try:
        with open(path, "rb") as file:
            text = file.read()
    except FileNotFoundError:
        return default
    try:
        return json.loads(text.decode("utf-8"))
    except json.JSONDecodeError as problem:
        _output.warn_once("bad " + path, f"State key {key!r} does not hold valid JSON, its default is used: {problem}")
        return default


def set(key: str, value: Any) -> None:
    """Stores `value` under `key`. The old value stays when JSON cannot hold the new one (TypeError, ValueError)."""
    _check_writable()
    path = _path(key)
    data = _output.to_json(value, f"state key {key!r}").encode("ascii")
    _sweep_temp_files()
    temp_path, descriptor = _open_temp(key)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temp_path, path)
    except BaseException:
        _unlink(temp_path)
        raise


def delete(key: str) -> bool:
    """Removes `key`. False when there was none."""
    _check_writable()
    return _unlink(_path(key))


def list() -> List[str]:
    """All keys, in no particular order."""
    return [name[: -len(_SUFFIX)] for name in _names() if name.endswith(_SUFFIX)]


def clear() -> None:
    """Removes all keys. Other files in the directory stay."""
    _check_writable()
    for key in list():
        _unlink(os.path.join(_dir(), key + _SUFFIX))


def exists(key: str) -> bool:
    return os.path.exists(_path(key))


def _dir() -> str:
    return os.environ.get("STATE_DIR") or _DEFAULT_DIR


def _path(key: str) -> str:
    if not key:
        raise ValueError("State key cannot be empty")
    if "/" in key or "\\" in key or ".." in key:
        raise ValueError("State key cannot contain path separators or '..'")
    if key == "." or key.endswith(" ") or "\0" in key:
        raise ValueError("State key cannot be '.', end with a blank or contain a NUL character")
    size = len(key.encode("utf-8"))
    if size > _MAX_KEY_BYTES:
        raise ValueError(f"State key is too long: {size} bytes, at most {_MAX_KEY_BYTES} fit into a file name")
    return os.path.join(_dir(), key + _SUFFIX)


def _check_writable() -> None:
    # Environment variables are the only switch a query process started by an older runtime knows.
    serving = _serving_queries and os.environ.get("THE0_QUERY_STATE_WRITES") != "allow"
    if serving or os.environ.get("QUERY_PATH"):
        raise ReadOnlyStateError(
            "State modifications are not allowed during query execution. "
            "Queries are read-only. Use state.get() to read state values."
        )


def _open_temp(key: str) -> tuple[str, int]:
    while True:
        # 50 characters are at most 200 bytes: room for the rest of the name.
        name = f".{key[:50]}{_TEMP_MARK}{os.getpid()}-{next(_temp_numbers)}"
        path = os.path.join(_dir(), name)
        try:
            return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            continue  # left by a killed process that had the same pid; the number grows until a name is free
        except FileNotFoundError:
            os.makedirs(_dir(), exist_ok=True)


def _sweep_temp_files() -> None:
    """Once per directory, removes what killed processes left in the middle of a write."""
    if _dir() in _swept_dirs:
        return
    _swept_dirs[_dir()] = True
    for name in _names():
        path = os.path.join(_dir(), name)
        if name.startswith(".") and _TEMP_MARK in name and _age_seconds(path) > _STALE_TEMP_SECONDS:
            _unlink(path)


def _age_seconds(path: str) -> float:
    try:
        return time.time() - os.stat(path).st_mtime
    except FileNotFoundError:
        return 0


def _names() -> List[str]:
    try:
        return os.listdir(_dir())
    except FileNotFoundError:
        return []


def _unlink(path: str) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
