"""Bytes to text and back, and writing that leaves the old file or the new one, whatever happens."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from yamlinject import SourceError, load
from yamlinject.core.source import MAX_BYTES, Source
from yamlinject.errors import TooLargeError
from yamlinject.files import holds, read_bytes, replacing, write_atomic

OLD = b"old\n"
NEW = b"new\n" * 1000


@pytest.mark.parametrize(
    ("data", "text", "bom"),
    [
        pytest.param(b"", "", False, id="empty"),
        pytest.param(b"a\nb", "a\nb", False, id="no-final-newline"),
        pytest.param(b"a\r\nb\r\n", "a\r\nb\r\n", False, id="crlf"),
        pytest.param(b"a\rb\r", "a\rb\r", False, id="cr"),
        pytest.param(b"a\n\r\n\rb", "a\n\r\n\rb", False, id="mixed"),
        pytest.param(b"\xef\xbb\xbfa\n", "a\n", True, id="bom"),
        pytest.param(b"\xef\xbb\xbf", "", True, id="only-bom"),
        pytest.param(b"\xef\xbb\xbf\xef\xbb\xbfa", "\ufeffa", True, id="two-boms"),
        pytest.param("# 注意力 😀\n".encode(), "# 注意力 😀\n", False, id="utf-8"),
        pytest.param("# 测试\n".encode("gbk"), "# \udcb2\udce2\udcca\udcd4\n", False, id="gbk"),
        pytest.param(b"\xed\xa0\x80", "\udced\udca0\udc80", False, id="encoded-surrogate"),
        pytest.param(bytes(range(1, 256)), None, False, id="every-byte-but-nul"),
    ],
)
def test_round_trip(data: bytes, text: str | None, bom: bool) -> None:
    source = Source.from_bytes(data)
    assert text is None or source.text == text
    assert source.bom is bom
    assert source.to_bytes() == data


@pytest.mark.parametrize(
    ("data", "fragment"),
    [
        pytest.param(b"a\0b", "binary", id="nul"),
        pytest.param("nc: 80".encode("utf-16"), "UTF-16", id="utf-16"),
        pytest.param(b"\xfe\xff\0a", "UTF-16", id="utf-16-big-endian"),
        pytest.param(b"a" * (50 * 2**20), "larger than", id="50-megabytes"),
    ],
)
def test_no_text(data: bytes, fragment: str) -> None:
    with pytest.raises(SourceError, match=fragment):
        Source.from_bytes(data)


def test_read_bytes_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "gone.yaml"
    with pytest.raises(SourceError) as raised:
        read_bytes(path)
    assert str(raised.value).startswith(f"{path}: ")


# A file may not be as large as it says: it grows, it is sparse, or the system generates it.


@pytest.mark.parametrize("name", ["/proc/self/status", "/proc/cpuinfo", "/proc/self/maps"])
def test_a_file_whose_size_is_0_is_read_to_its_end(name: str) -> None:
    assert Path(name).stat().st_size == 0
    data = read_bytes(Path(name))
    assert data.endswith(b"\n")
    with pytest.raises(TooLargeError):
        read_bytes(Path(name), 100)


def test_a_file_of_the_limit_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a" * MAX_BYTES)
    assert read_bytes(path) == b"a" * MAX_BYTES
    assert read_bytes(path, MAX_BYTES + 1) == b"a" * MAX_BYTES
    path.write_bytes(b"a" * (MAX_BYTES + 1))
    with pytest.raises(TooLargeError, match="larger than 4 MiB") as raised:
        read_bytes(path)
    assert raised.value.file == str(path)
    with pytest.raises(TooLargeError, match="larger than 1 MiB"):
        read_bytes(path, 2**20)


def test_no_size_makes_it_read_more_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "sparse.yaml"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(TooLargeError):
        read_bytes(path)
    assert holds(path, b"\0") is False


@pytest.fixture
def read_sizes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How much was asked for by each read of a file that has no end, though it says it is empty."""
    sizes: list[int] = []

    class Endless:
        def read(self, size: int = -1) -> bytes:
            sizes.append(size)
            assert size >= 0, "everything was asked for"
            return b"a" * size

        def fileno(self) -> int:
            return descriptor

        def __enter__(self) -> Endless:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    descriptor = os.open("/proc/self/status", os.O_RDONLY)
    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", lambda *_arguments, **_options: Endless())
        yield sizes
    os.close(descriptor)


def test_a_file_that_grows_is_read_up_to_the_limit(read_sizes: list[int]) -> None:
    path = Path("/proc/self/status")
    with pytest.raises(TooLargeError):
        read_bytes(path, 10)
    assert holds(path, b"aaa") is False
    assert holds(path, b"") is False
    assert read_sizes == [11, 4, 1]


def test_holds(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    assert holds(path, OLD) is None
    path.write_bytes(OLD)
    assert holds(path, OLD) is True
    assert [holds(path, data) for data in (b"", OLD[:-1], OLD + b"\n", b"ole\n")] == [False] * 4
    assert holds(Path("/proc/self/maps"), b"") is False  # its size is 0


@pytest.mark.parametrize("function", [read_bytes, lambda path: holds(path, b"")], ids=["read", "holds"])
def test_a_pipe_that_replaces_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: Callable[[Path], object]
) -> None:
    path, pipe = tmp_path / "x.yaml", tmp_path / "pipe"
    path.write_bytes(OLD)
    os.mkfifo(pipe)
    real = os.open

    def swapped(name: Any, *arguments: Any, **options: Any) -> int:
        os.replace(pipe, path)
        return real(name, *arguments, **options)

    monkeypatch.setattr(os, "open", swapped)
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it waits for the pipe"))
    signal.alarm(20)
    try:
        with pytest.raises(SourceError, match="not a regular file"):
            function(path)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_write_creates_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "out.yaml"
    write_atomic(path, OLD)
    assert path.read_bytes() == OLD
    write_atomic(path, NEW)
    assert path.read_bytes() == NEW
    assert os.listdir(tmp_path) == ["out.yaml"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o664, 0o444])
def test_write_keeps_the_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "out.yaml"
    path.write_bytes(OLD)
    path.chmod(mode)
    write_atomic(path, NEW)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize(("umask", "mode"), [(0o027, 0o640), (0o077, 0o600), (0, 0o666)])
def test_a_new_file_gets_the_mode_of_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_atomic(tmp_path / "out.yaml", NEW)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.yaml").stat().st_mode) == mode


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666])
def test_what_replaces_a_file_is_private_until_it_is_in_its_place(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "out.yaml"
    path.write_bytes(OLD)
    path.chmod(mode)
    before = os.umask(0)
    try:
        with replacing(path) as file:
            file.write(NEW)
            file.flush()
            (temporary,) = set(tmp_path.iterdir()) - {path}
            assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


#: An owner and a group that do not exist.
OWNER, GROUP = 54321, 54322
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@needs_root
@pytest.mark.parametrize("mode", [0o640, 0o2750, 0o4711])
def test_write_keeps_owner_and_group(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "out.yaml"
    path.write_bytes(OLD)
    os.chown(path, OWNER, GROUP)
    path.chmod(mode)
    write_atomic(path, NEW)
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (OWNER, GROUP, mode)
    assert path.read_bytes() == NEW


#: Writes a file as a user who is not root: uid and gid 54321, and a member of ``sys.argv[2]``.
WRITER = """
import os, sys
from pathlib import Path
from yamlinject.files import write_atomic
os.setgroups([int(sys.argv[2])])
os.setgid(54321)
os.setuid(54321)
write_atomic(Path(sys.argv[1]), b"new")
"""


@needs_root
@pytest.mark.parametrize(
    ("member_of", "group", "mode"),
    [
        pytest.param(GROUP, GROUP, 0o664, id="the-group-alone"),
        pytest.param(1, OWNER, 0o604, id="neither"),  # what the old group might do is not for another
    ],
)
def test_a_user_who_may_not_keep_the_owner_still_writes(member_of: int, group: int, mode: int) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        folder = Path(name)
        folder.chmod(0o777)
        path = folder / "out.yaml"
        path.write_bytes(OLD)
        os.chown(path, 0, GROUP)
        path.chmod(0o664)
        done = subprocess.run(
            [sys.executable, "-c", WRITER, path, str(member_of)],
            capture_output=True,
            text=True,
            check=False,
            # that user may not write to the file of this run's coverage
            env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},
        )
        assert done.stderr == ""
        status = path.stat()
        assert path.read_bytes() == b"new"
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (OWNER, group, mode)


@needs_root
def test_a_link_in_the_place_of_the_temporary_file_gives_nothing_away(tmp_path: Path) -> None:
    """Who owns the folder could put one there while root writes."""
    path, precious = tmp_path / "out.yaml", tmp_path / "precious"
    for each in (path, precious):
        each.write_bytes(OLD)
    os.chown(path, OWNER, GROUP)
    path.chmod(0o666)
    precious.chmod(0o600)
    with replacing(path) as file:
        file.write(NEW)
        (temporary,) = set(tmp_path.iterdir()) - {path, precious}
        temporary.unlink()
        temporary.symlink_to(precious)
    status = precious.stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o600)


@pytest.mark.parametrize("link", ["folder/real.yaml", "{}/folder/real.yaml"], ids=["relative", "absolute"])
def test_write_goes_through_a_symbolic_link(tmp_path: Path, link: str) -> None:
    real = tmp_path / "folder" / "real.yaml"
    real.parent.mkdir()
    real.write_bytes(OLD)
    path = tmp_path / "link.yaml"
    path.symlink_to(link.format(tmp_path))
    write_atomic(path, NEW)
    assert os.readlink(path) == link.format(tmp_path)
    assert real.read_bytes() == NEW
    assert not real.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["folder", "link.yaml"]
    assert os.listdir(real.parent) == ["real.yaml"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("function", ["replace", "fsync", "fchmod"])
def test_a_fault_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, error: BaseException
) -> None:
    def fail(*arguments: object, **options: object) -> NoReturn:
        raise error

    path = tmp_path / "out.yaml"
    path.write_bytes(OLD)
    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail)
        expected = SourceError if isinstance(error, OSError) else KeyboardInterrupt
        with pytest.raises(expected) as raised:
            write_atomic(path, NEW)
    if isinstance(error, OSError):
        assert str(raised.value) == f"{path}: cannot write it: no space left on device"
    assert path.read_bytes() == OLD
    assert os.listdir(tmp_path) == ["out.yaml"]


def test_a_fault_without_an_old_file_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(SourceError, match="permission denied"):
            load("yolov5s").add("SimAM", after="SPPF").save(tmp_path / "out.yaml")
    assert os.listdir(tmp_path) == []


# Runs the program, and kills it without warning before or after a call that the write makes.
KILLER = """
import os, signal, sys
function, moment = sys.argv.pop(1).split(":")
real = getattr(os, function)
def killing(*arguments, **options):
    if moment == "after":
        real(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(os, function, killing)
from yamlinject.__main__ import main
main()
"""


@pytest.mark.parametrize("old", [OLD, None], ids=["old-file", "no-old-file"])
@pytest.mark.parametrize(
    ("moment", "done"),
    [
        pytest.param("fsync:before", False, id="written-in-part"),
        pytest.param("fsync:after", False, id="flushed"),
        pytest.param("replace:before", False, id="before-the-rename"),
        pytest.param("replace:after", True, id="after-the-rename"),
    ],
)
def test_a_killed_process_leaves_the_old_file_or_the_new_one(
    tmp_path: Path, moment: str, done: bool, old: bytes | None
) -> None:
    path = tmp_path / "out.yaml"
    if old is not None:
        path.write_bytes(old)
    arguments = ["add", "SimAM", "yolov5s", "--after", "SPPF", "--force", "-o", "out.yaml"]
    process = subprocess.run(
        [sys.executable, "-c", KILLER, moment, *arguments], cwd=tmp_path, capture_output=True, check=False
    )
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    expected = load("yolov5s").add("SimAM", after="SPPF").to_bytes() if done else old
    assert (path.read_bytes() if path.exists() else None) == expected


def test_a_temporary_file_left_by_a_killed_process_does_no_harm(tmp_path: Path) -> None:
    arguments = ["add", "SimAM", "yolov5s", "--after", "SPPF", "-o", "out.yaml"]
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", KILLER, "replace:before", *arguments],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
    assert not (tmp_path / "out.yaml").exists()
    done = subprocess.run([sys.executable, "-m", "yamlinject", *arguments], cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert (tmp_path / "out.yaml").read_bytes() == load("yolov5s").add("SimAM", after="SPPF").to_bytes()


def test_a_stale_temporary_file_of_the_same_name_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container every run has the same process id, so a killed run's file may be in the way."""

    class Killed(BaseException):
        pass

    def killed(*arguments: object, **options: object) -> NoReturn:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        patch.setattr(os, "unlink", killed)
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(Killed):
            write_atomic(tmp_path / "out.yaml", OLD)
    assert os.listdir(tmp_path) != []
    write_atomic(tmp_path / "out.yaml", NEW)
    assert (tmp_path / "out.yaml").read_bytes() == NEW
