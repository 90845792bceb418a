"""The program: ``yamlinject`` and ``python -m yamlinject``."""

import gc
import io
import sys


def main() -> None:
    """Run the command of ``sys.argv`` and exit with its code."""
    # A run is over before a collection could free anything, yet collecting takes a fifth of its time.
    gc.disable()
    from yamlinject.cli import run

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    gc.freeze()  # nor is there a need to collect on exit
    sys.exit(code)


if __name__ == "__main__":
    main()
