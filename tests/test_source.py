"""Bytes to text and back, and writing that leaves the old file or the new one, whatever happens."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from yamlinject import SourceError, load
from yamlinject.source import Source, read_bytes, write_atomic

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


def test_a_new_file_gets_the_mode_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "out.yaml", NEW)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.yaml").stat().st_mode) == 0o640


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
@pytest.mark.parametrize("function", ["replace", "fsync", "chmod"])
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
