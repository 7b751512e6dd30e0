"""Runs a Python bot: loads its file and calls `main(bot_id, config)` in the main thread (contract 6.6).

What happens                            Exit code      result.json
main returns                            0              success, unless the bot wrote its own
main raises                             1              error; traceback on stderr
sys.exit(n), the SDK's error()          n              as the bot wrote it, else success or error by n
async def main                          as above       awaited with asyncio.run
no main, import fails, bad config       1              error; stderr ends with IMPORT_ERROR:, CONFIG_ERROR:, CHDIR_ERROR:
SIGTERM or SIGINT, no handler of its own   0           terminated

SIGTERM raises SystemExit where the bot is just now, so `finally` blocks, `with` blocks and atexit functions run. A bot that
installs its own handler with signal.signal is not interfered with. One that swallows SystemExit (a bare `except:`) goes on,
until the agent's grace is over.
"""

import json
import os
import signal
import sys


class Terminated(SystemExit):
    """A signal ended the bot; raised in its main thread."""


def _terminate(signum, frame):
    # The second signal, while the bot cleans up, must not tear it out of its `finally`.
    signal.signal(signum, signal.SIG_IGN)
    raise Terminated(0)


def _fail(prefix, message):
    """The last line of stderr tells the agent what is wrong."""
    print(f"{prefix}: {message}".replace("\n", " "), file=sys.stderr, flush=True)
    return 1


class ResultFile:
    """`/<code>/result.json`. What the bot itself writes there (the SDK's success, error, result) stands."""

    def __init__(self, path):
        self._path = path
        self._at_start = self._signature()

    def _signature(self):
        try:
            stat = os.stat(self._path)
        except OSError:
            return None
        return (stat.st_ino, stat.st_size, stat.st_mtime_ns)

    def written_by_bot(self):
        return self._signature() != self._at_start

    def write(self, status, message):
        try:
            with open(self._path, "w", encoding="utf-8") as file:
                json.dump({"status": status, "message": message}, file)
        except OSError as error:
            print(f"RESULT_ERROR: Failed to write result file: {error}", file=sys.stderr, flush=True)

    def write_unless_bot_did(self, status, message):
        if not self.written_by_bot():
            self.write(status, message)


def _print_traceback(error):
    """Without the frames of this file and of the import machinery: the bot's author has no use for them."""
    import traceback

    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename in (__file__, "<frozen importlib._bootstrap>",
                                                                        "<frozen importlib._bootstrap_external>"):
        frames = frames.tb_next
    traceback.print_exception(type(error), error, frames)


def _describe(error):
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _load(path):
    """The bot's file as module `main`, so a block under `if __name__ == "__main__"` does not run."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("main", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = module_from_spec(spec)
    sys.modules["main"] = module
    spec.loader.exec_module(module)
    return module


def _set_up_logging(logging):
    logging.basicConfig(level=logging.INFO)


class LoggingFinder:
    """Sets up `logging` as soon as somebody imports it: a bot that does not use it is spared 0.8 MB and 10 ms."""

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                break
        else:
            return None
        execute = spec.loader.exec_module

        def execute_and_set_up(module):
            execute(module)
            _set_up_logging(module)

        spec.loader.exec_module = execute_and_set_up
        return spec


def _call(main, bot_id, config):
    outcome = main(bot_id, config)
    if not hasattr(outcome, "__await__"):
        return
    import asyncio

    async def awaited():
        await outcome

    asyncio.run(awaited())


def _exit_code(error):
    """What Python itself makes of SystemExit."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr, flush=True)
    return 1


def run():
    """Returns the exit code, and whether a signal ended the bot."""
    code_dir = "/" + os.environ.get("CODE_MOUNT_DIR", "bot")
    script = os.environ.get("SCRIPT_PATH", "main.py")
    try:
        os.chdir(code_dir)
    except OSError as error:
        return _fail("CHDIR_ERROR", f"cannot enter {code_dir}: {error}"), False
    result = ResultFile(os.path.join(code_dir, "result.json"))
    try:
        config = json.loads(os.environ.get("BOT_CONFIG") or "{}")
    except ValueError as error:
        message = f"BOT_CONFIG is not JSON: {error}"
        result.write("error", message)
        return _fail("CONFIG_ERROR", message), False

    sys.path.insert(0, code_dir)
    vendor = os.path.join(code_dir, "vendor")
    if os.path.isdir(vendor):
        sys.path.insert(0, vendor)

    # Before the bot is loaded, so its records look the same as ever: INFO:main:text on stderr.
    if "logging" in sys.modules:
        _set_up_logging(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, LoggingFinder())
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _terminate)

    loaded = False
    try:
        module = _load(os.path.join(code_dir, script))
        main = getattr(module, "main", None)
        if not callable(main):
            raise ImportError(f"{script} has no function main(bot_id, config)")
        loaded = True
        _call(main, os.environ.get("BOT_ID", ""), config)
    except Terminated:
        result.write_unless_bot_did("terminated", "Bot execution terminated by signal")
        return 0, True
    except SystemExit as error:
        code = _exit_code(error)
        if code == 0:
            result.write_unless_bot_did("success", "Bot executed successfully")
        else:
            result.write_unless_bot_did("error", f"Bot exited with code {code}")
        return code, False
    except BaseException as error:
        _print_traceback(error)
        result.write("error", _describe(error))
        return (1 if loaded else _fail("IMPORT_ERROR", f"cannot load {script}: {_describe(error)}")), False
    result.write_unless_bot_did("success", "Bot executed successfully")
    return 0, False


def _end_at_once(code):
    """After a signal nobody waits for threads the bot left running; everything else of an exit happens."""
    import atexit

    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    # Whole lines at once: unbuffered output would be written word by word, buffered output is lost on a kill.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, write_through=False)
    exit_code, terminated = run()
    if terminated:
        _end_at_once(exit_code)
    sys.exit(exit_code)
