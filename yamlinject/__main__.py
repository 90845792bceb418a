"""The program: ``yamlinject`` and ``python -m yamlinject``."""

import gc
import io
import os
import sys


def main() -> None:
    """Run the command of ``sys.argv`` and exit with its code."""
    sys.exit(_run())


def command() -> None:
    """:func:`main` as the installed command: it ends at once, which saves a twentieth of ``add``."""
    code = _run()
    if gc.isenabled():  # by a command that imports a framework or goes on for long, and may have more to do
        sys.exit(code)
    os._exit(code)


def _run() -> int:
    # A run is over before a collection could free anything, yet collecting takes a fifth of its time.
    gc.disable()
    from yamlinject.cli.app import run

    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115  # closed by the caller, on purpose
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115  # likewise
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and sys.argv[1:2] != ["run"]:  # whose program has its own
            bytes_stay = stream is sys.stdout and stream.encoding.lower() == "utf-8" and not stream.isatty()
            stream.reconfigure(errors="surrogateescape" if bytes_stay else "backslashreplace")
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:  # run has reported it; what is left in the buffer must not fail again on exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not gc.isenabled():
        gc.freeze()  # nor is there a need to collect on exit
    return code


if __name__ == "__main__":
    main()
