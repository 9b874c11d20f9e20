# SPDX-License-Identifier: Apache-2.0
"""Folders, lists of digests, and runs that are killed and resumed."""

import hashlib
import io
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from tests.cli.conftest import MATCH, digests_of

from fedsafe_cli.lookup import media
from fedsafe_cli.lookup.file_digests import FileRef, digest_file
from fedsafe_cli.lookup.file_sources import files_of
from fedsafe_cli.lookup.hash_workers import Limits, _work, digest_all
from fedsafe_cli.lookup.match_client import ask_digests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import FakeNode, Run

PICTURE = Path(__file__).parents[3] / "cli/fedsafe_cli/data/demo/valley.png"
WHERE = ("--surface", "public_content")
BATCH = "POST /v1/lookup/batch"
COLUMNS = "POST /v1/match"


def fill(folder: Path, count: int) -> list[Path]:
    """Make small files in two folders, one in the other."""
    inner = folder / "inner"
    inner.mkdir(parents=True)
    files = [(inner if n % 2 else folder) / f"{n}.bin" for n in range(count)]
    for number, file in enumerate(files):
        file.write_bytes(b"content %d" % number)
    return files


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def asked_files(node: "FakeNode") -> Counter[str]:
    return Counter(
        lookup["questions"][0]["value"]
        for body in node.asked_of(BATCH)
        for lookup in body["lookups"]
    )


def test_all_files_of_a_folder_are_hashed_on_all_cores(
    run: "Run", tmp_path: Path
) -> None:
    files = fill(tmp_path / "files", 40)
    outcome = run("hash", "--ndjson", "--jobs", "2", str(tmp_path / "files"))

    entries = lines_of(outcome.out)
    assert outcome.status == 0
    assert {entry["file"]: entry["sha256"] for entry in entries} == {
        str(file): sha256(file) for file in files
    }
    assert "40 files, 0 not readable" in outcome.err


def test_a_broken_file_costs_no_other(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    files = fill(tmp_path / "files", 20)
    cut = tmp_path / "files/cut.png"
    cut.write_bytes(PICTURE.read_bytes()[:500])
    (tmp_path / "files/link").symlink_to(files[0])
    (tmp_path / "files/outer").symlink_to("/")
    (tmp_path / "files/empty").touch()
    os.mkfifo(tmp_path / "files/pipe")
    bomb = tmp_path / "files/bomb.png"
    Image.new("1", (30_000, 30_000)).save(bomb)
    strip = tmp_path / "files/strip.png"
    Image.new("1", (5, 200_000)).save(strip)
    node.knows(sha256(files[7]))
    outcome = ask("match", *WHERE, "--ndjson", str(tmp_path / "files"))

    found = {Path(each["file"]).name: each for each in lines_of(outcome.out)}
    assert outcome.status == 10
    assert len(found) == 27
    assert Counter(each["result"] for each in found.values()) == {
        "none": 22,
        "review": 1,
        "bad_input": 4,
    }
    assert found["7.bin"]["result"] == "review"
    assert found["cut.png"]["picture_unread"]["code"] == "picture_damaged"
    assert found["bomb.png"]["picture_unread"]["code"] == "picture_too_large"
    assert found["strip.png"]["picture_unread"]["code"] == "picture_too_long"
    for name, why in (("link", "is a link"), ("outer", "is a link")):
        assert found[name]["problem"] == {"code": "no_file", "detail": why}
    assert found["pipe"]["problem"]["code"] == "no_file"
    assert found["empty"]["problem"]["code"] == "empty"


def test_a_picture_that_is_broken_is_no_clean_answer(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    cut = tmp_path / "cut.png"
    cut.write_bytes(PICTURE.read_bytes()[:500])
    node.knows()
    english = ask("match", *WHERE, str(cut))
    german = ask("match", *WHERE, "--lang", "de", str(cut))

    assert english.status == german.status == 5
    assert "compared by its bytes only (picture_damaged)" in english.err
    assert "nur Byte für Byte verglichen (picture_damaged)" in german.err
    text = tmp_path / "BMW.txt"
    text.write_bytes(b"BMW, a list of cars that is no bitmap")
    assert ask("match", *WHERE, str(text)).status == 0


def heic(_: Image.Image) -> bytes:
    return b"\0\0\0\x18ftypheic" + bytes(64)


def boxed(major: bytes, *compatible: bytes) -> "Callable[[Image.Image], bytes]":
    brands = major + bytes(4) + b"".join(compatible)
    box = (len(brands) + 8).to_bytes(4) + b"ftyp" + brands
    return lambda _: box + bytes(64)


def with_two_bytes_more(picture: Image.Image) -> bytes:
    """Save a JPEG that other programs open, and ours does not."""
    plain = saved("JPEG")(picture)
    end = 4 + int.from_bytes(plain[4:6])
    return plain[:end] + b"\xff\x01" + plain[end:]


def saved(form: str, **options: object) -> "Callable[[Image.Image], bytes]":
    def save(picture: Image.Image) -> bytes:
        file = io.BytesIO()
        picture.save(file, form, **options)
        return file.getvalue()

    return save


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("a.jp2", lambda _: b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(64)),
        ("a.bin", heic),
        ("a.avif", lambda _: b"\0\0\0\x18ftypmif1" + bytes(64)),
        ("a.ppm", saved("PPM")),
        ("a.tga", saved("TGA")),
        ("a", lambda _: b"8BPS" + bytes(64)),
        ("b", boxed(b"MA1B", b"mif1")),
        ("c", boxed(b"avio", b"msf1", b"avif")),
        ("d", boxed(b"isom", b"miaf", b"avif")),
        ("a", with_two_bytes_more),
    ],
)
def test_a_picture_of_a_form_that_is_not_read_is_no_clean_answer(
    ask: "Run",
    node: "FakeNode",
    tmp_path: Path,
    name: str,
    made: "Callable[..., bytes]",
) -> None:
    file = tmp_path / name
    with Image.open(PICTURE) as picture:
        file.write_bytes(made(picture.convert("RGB")))
    node.knows()
    told = ask("match", *WHERE, "--json", str(file))
    shown = ask("match", *WHERE, str(file))
    hashed = ask("hash", "--json", str(file))

    assert told.status == shown.status == hashed.status == 5
    code = "picture_format_unknown"
    assert told.document["answers"][0]["picture_unread"]["code"] == code
    assert hashed.document["files"][0]["picture_unread"]["code"] == code
    assert "no signal by its bytes; not compared as a picture" in shown.out
    assert f"compared by its bytes only ({code})" in shown.err


def test_a_picture_with_too_little_to_see_is_told_with_its_quality(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    Image.new("RGB", (64, 64), "black").save(folder / "dark.png")
    shutil.copy(PICTURE, folder)
    (folder / "a.txt").write_text("P1 is the first task; qoi too")
    node.knows()
    listing = tmp_path / "list"
    hashed = ask("hash", "--output", str(listing), str(folder))
    matched = ask("match", *WHERE, "--json", str(folder))
    shown = ask("match", *WHERE, str(folder / "dark.png"))
    of_list = ask("match", *WHERE, "--ndjson", "--list", str(listing))

    quality = {
        Path(each["file"]).name: each.get("pdq_quality")
        for each in lines_of(listing.read_text())
    }
    answers = {Path(each["file"]).name: each for each in matched.document["answers"]}
    listed = {Path(each["name"]).name: each for each in lines_of(of_list.out)}
    assert quality == {"dark.png": 0, PICTURE.name: 100, "a.txt": None}
    for told in (answers, listed):
        unread = {name: each.get("picture_unread") for name, each in told.items()}
        assert unread.pop("dark.png") == {
            "code": "picture_quality_low",
            "detail": "its quality is 0, below 50",
        }
        assert set(unread.values()) == {None}
    assert [each.status for each in (hashed, matched, shown, of_list)] == [5] * 4
    assert "3 files, 0 not readable; pictures by their bytes only: 1" in hashed.err
    assert "0 not readable, 0 open; pictures by their bytes only: 1" in matched.err
    assert "compared by its bytes only (its quality is 0, below 50)" in shown.err


def test_a_folder_that_may_not_be_read_is_named(
    run: "Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "files", 2)
    locked = str(tmp_path / "files/inner")
    whole = os.open

    def denied(path: str, *flags: int, dir_fd: int | None = None) -> int:
        if path == "inner":
            raise PermissionError(13, "Permission denied")
        return whole(path, *flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", denied)
    outcome = run("hash", "--ndjson", str(tmp_path / "files"))

    problems = [each for each in lines_of(outcome.out) if "problem" in each]
    assert outcome.status == 5
    assert [each["file"] for each in problems] == [locked]
    assert len(lines_of(outcome.out)) == 2


def test_the_orientation_is_told_in_plain_words(ask: "Run", node: "FakeNode") -> None:
    match = MATCH | {"kind": "pdq", "distance": 4, "orientation": "rotated_90"}
    body = {"result": "review", "matches": [match], "not_covered": []}
    node.always("POST /v1/lookup", body)
    english = ask("match", *WHERE, str(PICTURE))
    german = ask("match", *WHERE, "--lang", "de", str(PICTURE))

    assert "distance 4 of 256 bits, turned by 90° clockwise" in english.out
    assert "Abstand 4 von 256 Bit, um 90° im Uhrzeigersinn gedreht" in german.out


def test_a_worker_that_dies_takes_its_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = fill(tmp_path / "files", 30)
    # In a worker, as the kernel does that ends what takes too much memory.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal\n"
        "import fedsafe_cli.lookup.file_digests as digests\n"
        "whole = digests._open\n"
        "def opened(ref):\n"
        "    if ref.path.endswith('/12.bin'):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return whole(ref)\n"
        "digests._open = opened\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = list(digest_all((FileRef(str(file)) for file in files), 2))

    assert [each.ref.path for each in found] == list(map(str, files))
    faults = {Path(e.ref.path).name: e.fault.code for e in found if e.fault}
    assert faults == {"12.bin": "decoder_died"}
    assert found[13].digests["sha256"] == sha256(files[13])


def test_a_decoder_that_dies_leaves_the_digests_of_the_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal\n"
        "import fedsafe_cli.lookup.file_digests as digests\n"
        "def died(*_):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "digests._with_picture = died\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (found,) = digest_all([FileRef(str(PICTURE))], 2)

    assert found.picture is not None
    assert found.picture.code == "decoder_died"
    assert found.digests["sha256"] == sha256(PICTURE)
    assert found.mark


def slow_picture(scans: int) -> bytes:
    """Make a small progressive JPEG that takes two milliseconds a scan."""
    whole = saved("JPEG", progressive=True)(Image.new("L", (2048, 2048), 90))
    last = whole.rindex(b"\xff\xc4")
    return whole[:-2] + whole[last:-2] * scans + whole[-2:]


@pytest.mark.parametrize("beside", [0, 12])
def test_a_picture_that_takes_too_long_is_compared_by_its_bytes(
    ask: "Run", node: "FakeNode", tmp_path: Path, beside: int
) -> None:
    folder = tmp_path / "files"
    fill(folder, beside)
    slow = folder / "slow.jpg"
    slow.write_bytes(slow_picture(3_000))
    node.knows(sha256(slow))
    limit = ("--max-time", "1", "--jobs", "1")
    outcome = ask("match", *WHERE, *limit, "--ndjson", str(folder))
    shown = ask("hash", *limit, "--lang", "de", str(slow))

    found = {Path(each["file"]).name: each for each in lines_of(outcome.out)}
    assert len(found) == beside + 1
    picture = found.pop("slow.jpg")
    assert picture["result"] == "review"
    assert picture["picture_unread"]["code"] == "picture_too_slow"
    assert "more than 1 seconds" in picture["picture_unread"]["detail"]
    assert {each["result"] for each in found.values()} <= {"none"}
    assert f"sha256:{sha256(slow)}" in shown.out
    assert "--max-time" in shown.err
    assert shown.status == 5


def test_each_picture_has_its_own_time(tmp_path: Path) -> None:
    slow = tmp_path / "slow.jpg"
    slow.write_bytes(slow_picture(250))
    found = list(digest_all([FileRef(str(slow))] * 8, 1, Limits(seconds=2)))

    codes = [None if each.picture is None else each.picture.code for each in found]
    assert codes == ["picture_quality_low"] * 8


def test_the_time_of_a_picture_is_no_limit_for_what_comes_after_it(
    tmp_path: Path,
) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(1 << 30)
    refs = [FileRef(str(PICTURE)), FileRef(str(large))]
    found = list(digest_all(refs, 1, Limits(seconds=1)))

    assert [each.fault for each in found] == [None, None]


@pytest.mark.parametrize("beside", [0, 12])
def test_a_file_that_is_too_large_is_named_and_passed_over(
    ask: "Run", node: "FakeNode", tmp_path: Path, beside: int
) -> None:
    folder = tmp_path / "files"
    fill(folder, beside)
    with (folder / "large").open("wb") as file:
        file.truncate((1 << 30) + 1)
    node.knows()
    outcome = ask("match", *WHERE, "--max-size", "1", "--ndjson", str(folder))

    found = {Path(each["file"]).name: each for each in lines_of(outcome.out)}
    problem = found.pop("large")["problem"]
    assert outcome.status == 5
    assert problem["code"] == "file_too_large"
    assert "1073741824 bytes" in problem["detail"]
    assert "--max-size" in problem["detail"]
    assert len(found) == beside
    assert {each["result"] for each in found.values()} <= {"none"}


def test_files_have_a_limit_where_nobody_says_one(run: "Run", tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(17 << 30)
    outcome = run("hash", "--json", str(large))

    (entry,) = outcome.document["files"]
    assert entry["problem"]["code"] == "file_too_large"


def test_a_file_that_hides_its_size_is_read_up_to_the_limit() -> None:
    found = digest_file(FileRef("/proc/self/status"), most_bytes=9)

    assert found.fault is not None
    assert found.fault.code == "file_too_large"


def test_a_caller_that_goes_leaves_no_process(tmp_path: Path) -> None:
    files = fill(tmp_path / "files", 30)
    before = _tree(os.getpid())
    found = digest_all((FileRef(str(file)) for file in files), 2)
    next(found)
    assert any("spawn_main" in _command(pid) for pid in _tree(os.getpid()) - before)
    found.close()

    left = _tree(os.getpid()) - before
    assert not any("spawn_main" in _command(pid) for pid in left)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        ("{0}  a name.jpg\n{1} *b.jpg\n", ["sha256", "sha256"]),
        ("SHA256 (a b.jpg) = {0}\n", ["sha256"]),
        ("BLAKE3 (a b.jpg) = {0}\n", ["blake3"]),
        ("# a list\n\nmd5:{2}  a.jpg\npdq:{0}\n", ["md5", "pdq"]),
        ("{2}\n", ["md5"]),
        ("file,sha256,md5\na.jpg,{0},{2}\n", ["sha256 md5"]),
        ("kind;value\npdq;{0}\n", ["pdq"]),
        ('{{"file": "a.jpg", "size": 4, "md5": "{2}", "pdq": "{0}"}}\n', ["md5 pdq"]),
        ('{{"kind": "sha256", "value": "{0}"}}\n', ["sha256"]),
    ],
)
def test_lists_of_many_forms_are_read(
    ask: "Run", node: "FakeNode", tmp_path: Path, content: str, kinds: list[str]
) -> None:
    values = ("ab" * 32, "cd" * 32, "ef" * 16)
    listing = tmp_path / "list"
    listing.write_text(content.format(*values))
    node.knows(values[0])
    outcome = ask("match", *WHERE, "--ndjson", "--list", str(listing))

    asked: list[str] = []
    for target, body in node.asked:
        if target == COLUMNS:
            for column in body["columns"]:
                asked += [column["kind"]] * len(digests_of(column))
            continue
        for each in body.get("lookups", [body]):
            asked.append(" ".join(q["kind"] for q in each["questions"]))
    assert sorted(asked) == sorted(" ".join(k.split()) for k in kinds)
    assert outcome.status == (10 if values[0] in listing.read_text() else 0)
    assert all(isinstance(each["line"], int) for each in lines_of(outcome.out))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("ab12  short.jpg\n", "no_digest"),
        ("no digest at all\n", "no_digest"),
        ("sha256:zz\n", "bad_digest"),
        ("CRC32 (a) = abcd\n", "kind"),
        ("file,md5\na.jpg\n", "not_csv"),
        ('{"file": "a.jpg"}\n', "no_digest"),
        ("{broken\n", "not_json"),
        ("\\xff\n", "encoding"),
    ],
)
def test_a_bad_line_is_named_and_hides_no_other(
    ask: "Run", node: "FakeNode", tmp_path: Path, content: str, code: str
) -> None:
    good = "ab" * 32
    listing = tmp_path / "list"
    rest = f"b.jpg,{good[:32]}\n" if content.startswith("file,") else f"sha256:{good}\n"
    listing.write_bytes(
        (content.replace("\\xff", "\udcff") + rest).encode(errors="surrogateescape")
    )
    node.knows()
    outcome = ask("match", *WHERE, "--ndjson", "--list", str(listing))

    bad, fine = sorted(lines_of(outcome.out), key=lambda each: each["result"])
    assert outcome.status == 5
    assert bad["problem"]["code"] == code
    assert fine["result"] == "none"
    assert good not in outcome.err


def test_bare_digests_of_several_kinds_are_refused_until_one_is_said(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    listing, later = tmp_path / "list", tmp_path / "later"
    listing.write_text(f"# ours\n{'ab' * 32}\n{'cd' * 32}\n")
    later.write_text(f"md5:{'ab' * 16}\n{'cd' * 32}\n")
    node.knows()
    bare = ask("match", *WHERE, "--list", str(listing))
    mixed = ask("match", *WHERE, "--ndjson", "--list", str(later))
    assert (bare.status, mixed.status) == (5, 5)
    assert "may be SHA-256, BLAKE3 or PDQ" in bare.err
    assert "--kind" in bare.err
    fine, problem = lines_of(mixed.out)
    assert (fine["result"], problem["problem"]["code"]) == ("none", "no_kind")
    (body,) = (body for _, body in node.asked)
    assert "cd" * 32 not in json.dumps(body)

    said = ask("match", *WHERE, "--kind", "pdq", "--list", str(listing))
    assert said.status == 0
    assert [c["kind"] for c in node.asked_of(COLUMNS)[-1]["columns"]] == ["pdq"]


def test_single_digests_are_asked_in_columns_and_whole_files_in_a_batch(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    turned = [f"{number:02x}" * 32 for number in range(8)]
    lines = [
        {"file": "0", "sha256": "a0" * 32},
        {"file": "1", "sha256": "a1" * 32, "md5": "b1" * 16},
        {"file": "2", "pdq": "a2" * 32},
        {"file": "3", "sha256": "a3" * 32},
        {"file": "4", "pdq_turned": "".join(turned)},
        {"file": "5", "md5": "b5" * 16},
    ]
    listing = tmp_path / "list"
    listing.write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    node.knows("b1" * 16, "a3" * 32, turned[5])
    outcome = ask("match", *WHERE, "--ndjson", "--list", str(listing))

    (columns,) = (body["columns"] for body in node.asked_of(COLUMNS))
    (batch,) = node.asked_of(BATCH)
    told = lines_of(outcome.out)
    assert [(c["kind"], c["orientations"]) for c in columns] == [
        ("sha256", 1),
        ("pdq", 1),
        ("pdq", 8),
        ("md5", 1),
    ]
    assert [len(each["questions"]) for each in batch["lookups"]] == [2]
    assert [each["name"] for each in told] == list("012345")
    assert [n for n, each in enumerate(told) if each["result"] == "review"] == [1, 3, 4]


def test_columns_that_are_refused_are_asked_in_a_batch_which_names_the_line(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    listing = tmp_path / "list"
    listing.write_text("".join("sha256:" + f"{n:02x}" * 32 + "\n" for n in range(3)))
    node.knows(bad=("01" * 32,))
    node.always(COLUMNS, {"code": "bad_column", "detail": "no"}, status=422)
    outcome = ask("match", *WHERE, "--ndjson", "--list", str(listing))

    told = lines_of(outcome.out)
    assert outcome.status == 5
    assert [each["line"] for each in told if "problem" in each] == [2]


def test_columns_that_are_put_off_are_asked_again_by_resume(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    listing, output = tmp_path / "list", tmp_path / "out"
    listing.write_text("".join(f"{n:04x}" * 16 + "\n" for n in range(1_500)))
    of_list = ("--list", str(listing), "--kind", "sha256")
    command = ("match", *WHERE, *of_list, "--output", str(output))
    node.knows("0002" * 16)
    answering, bodies = node.answers[COLUMNS], 0

    def once(body: dict[str, Any]) -> tuple[int, Any]:
        nonlocal bodies
        bodies += 1
        if bodies == 2:
            return 503, {"code": "quorum", "detail": "later"}
        return answering(body)

    node.on(COLUMNS, once)
    first = ask(*command)
    second = ask(*command, "--resume")

    told = [json.loads(each) for each in output.read_text().splitlines()]
    assert (first.status, second.status) == (11, 10)
    assert [each["line"] for each in told] == list(range(1, 1_501))
    sizes = [len(digests_of(b["columns"][0])) for b in node.asked_of(COLUMNS)]
    assert sizes == [1_000, 500, 500]


def test_what_hash_prints_is_a_list_for_match(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.knows()
    listing = tmp_path / "digests.ndjson"
    assert ask("hash", "--output", str(listing), str(PICTURE)).status == 0
    ask("match", *WHERE, "--list", str(listing))
    ask("match", *WHERE, str(PICTURE))

    one, other = (body["questions"] for _, body in node.asked)
    assert sorted(map(str, one)) == sorted(map(str, other))


def test_text_and_ndjson_of_hash_ask_the_same(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.knows()
    folder = tmp_path / "files"
    folder.mkdir()
    with Image.open(PICTURE) as picture:
        for number in range(2):
            picture.rotate(90 * number).save(folder / f"{number} a.png")
    (folder / "note.txt").write_bytes(b"abc")
    told: list[list[dict[str, Any]]] = []
    for options in ((), ("--ndjson",)):
        listing = tmp_path / "list"
        listing.write_text(ask("hash", *options, str(folder)).out)
        found = ask("match", *WHERE, "--ndjson", "--list", str(listing))
        told.append(lines_of(found.out))
        assert "3 files" in found.err

    text, ndjson = (
        [sorted(map(str, each["questions"])) for each in body["lookups"]]
        for body in node.asked_of(BATCH)
    )
    assert text == ndjson
    assert sum(len(asked) > 512 for each in text for asked in each) == 2
    assert [each["name"] for each in told[0]] == [each["name"] for each in told[1]]


def test_a_head_without_kinds_is_refused(ask: "Run", tmp_path: Path) -> None:
    listing = tmp_path / "list.csv"
    listing.write_text("colour,size\nred,4\n")
    outcome = ask("match", *WHERE, "--list", str(listing))

    assert outcome.status == 5
    assert "names no kind of digest" in outcome.err
    assert "sha256" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [(), ("x", "--list", "y"), ("x", "--kind", "md5"), ("x", "--resume")],
)
def test_options_that_do_not_go_together(
    ask: "Run", arguments: tuple[str, ...]
) -> None:
    assert ask("match", *WHERE, *arguments).status == 2


def test_an_answer_file_is_made_once_and_resumed_by_name(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.knows()
    files = fill(tmp_path / "files", 3)
    output, command = tmp_path / "out", ("match", *WHERE, str(tmp_path / "files"))
    early = ask(*command, "--output", str(output), "--resume")
    first = ask(*command, "--output", str(output))
    again = ask(*command, "--output", str(output))
    node.knows(sha256(files[1]))
    new = tmp_path / "files/new.bin"
    new.write_bytes(b"listed")
    node.knows(sha256(new))
    # The end of a process has cut the last line.
    output.write_bytes(output.read_bytes() + b'{"position":3,"result":"no')
    resumed = ask(*command, "--output", str(output), "--resume")
    once_more = ask(*command, "--output", str(output), "--resume")

    assert (early.status, first.status, again.status) == (5, 0, 5)
    assert "--resume" in again.err
    assert (resumed.status, once_more.status) == (10, 10)
    entries = lines_of(output.read_text())
    assert [each["position"] for each in entries] == [0, 1, 2, 3]
    assert {each["file"] for each in entries} == {str(f) for f in (*files, new)}
    assert output.stat().st_mode & 0o777 == 0o600
    assert "4 files: 1 to review" in once_more.err
    other = tmp_path / "other"
    other.write_text("no answers\n")
    refused = ask(*command, "--output", str(other), "--resume")
    assert refused.status == 5
    assert other.read_text() == "no answers\n"


def test_a_run_goes_on_with_its_own_answers_alone(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.knows()
    folder, listing = tmp_path / "files", tmp_path / "list"
    fill(folder, 2)
    listing.write_text("md5:" + "ab" * 16 + "\n")
    output = ("--output", str(tmp_path / "out"))
    resumed, hashes = (*output, "--resume"), ("--output", str(tmp_path / "hashes"))
    first = ask("match", *WHERE, *output, str(folder))
    ask("hash", *hashes, str(folder))
    before = (tmp_path / "out").read_bytes()
    others = [
        (ask("match", "--surface", "hosted_private", *resumed, str(folder)), "surface"),
        (ask("match", *WHERE, *resumed, "--list", str(listing)), "list"),
        (ask("match", *WHERE, *resumed, "--subject-ref", "u", str(folder)), "subject"),
        (ask("hash", *resumed, str(folder)), "of `fedsafe match`"),
        (ask("match", *WHERE, *hashes, "--resume", str(folder)), "of `fedsafe hash`"),
    ]
    again = ask("match", *WHERE, *resumed, str(folder))

    assert (first.status, again.status) == (0, 0)
    for found, why in others:
        assert (found.status, why in found.err) == (5, True), found.err
        assert "name a new file" in found.err
    assert (tmp_path / "out").read_bytes() == before


def test_names_that_look_alike_are_two_files(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.knows()
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "new\nline").write_bytes(b"one")
    output, command = tmp_path / "out", ("match", *WHERE, str(folder))
    ask(*command, "--output", str(output))
    (folder / "new\\nline").write_bytes(b"other")
    ask(*command, "--output", str(output), "--resume")

    entries = lines_of(output.read_text())
    assert len(entries) == len({each["file"] for each in entries}) + 1 == 2
    assert bytes.fromhex(entries[0]["file_hex"]) == os.fsencode(folder / "new\nline")


def test_what_the_node_puts_off_is_not_written(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    files = fill(tmp_path / "files", 600)
    output, command = tmp_path / "out", ("match", *WHERE, str(tmp_path / "files"))
    node.knows()
    whole = node.answers[BATCH]

    def once(body: dict[str, Any]) -> tuple[int, Any]:
        if len(node.asked_of(BATCH)) > 1:
            return 429, {"code": "budget", "detail": "spent", "status": 429}
        return whole(body)

    node.on(BATCH, once)
    german = ask(*command, "--lang", "de", "--output", str(output))
    assert german.status == 11
    assert "vorerst nicht weiter" in german.err
    assert "250 Dateien: 0 zu prüfen, 0 nicht lesbar, 0 offen" in german.err
    assert len(lines_of(output.read_text())) == 250
    node.knows()
    resumed = ask(*command, "--output", str(output), "--resume")

    assert resumed.status == 0
    names = [each["file"] for each in lines_of(output.read_text())]
    assert sorted(names) == sorted(map(str, files))


def test_a_killed_run_is_resumed_and_each_file_is_answered_once(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    files = fill(tmp_path / "files", 700)
    output = tmp_path / "out"
    command = ("match", *WHERE, str(tmp_path / "files"), "--output", str(output))
    node.knows()
    whole, process = node.answers[BATCH], list[subprocess.Popen[bytes]]()

    def kill(body: dict[str, Any]) -> tuple[int, Any]:
        answer = whole(body)
        if len(node.asked_of(BATCH)) == 2:
            process[0].kill()
        return answer

    node.on(BATCH, kill)
    process.append(
        subprocess.Popen(
            [sys.executable, "-m", "fedsafe_cli", *command],
            env={**os.environ, "FEDSAFE_CONFIG": str(node.directory)},
            stderr=subprocess.DEVNULL,
        )
    )
    assert process[0].wait(50) == -signal.SIGKILL
    kept = lines_of(output.read_text())
    assert len(kept) == 250
    node.knows()
    resumed = ask(*command, "--resume")

    assert resumed.status == 0
    entries = lines_of(output.read_text())
    assert entries[:250] == kept
    assert sorted(each["file"] for each in entries) == sorted(map(str, files))
    asked = asked_files(node)
    assert set(asked) == {sha256(file) for file in files}
    # Only the batch whose answer never came is asked once more.
    assert Counter(asked.values()) == {1: 450, 2: 250}


def test_workers_end_with_a_killed_run(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number}.bin").write_bytes(os.urandom(64))
    run = subprocess.Popen(
        [sys.executable, "-m", "fedsafe_cli", "hash", "--ndjson", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stdout is not None
    assert run.stderr is not None
    run.stdout.readline()
    workers = {pid for pid in _tree(run.pid) if pid != run.pid}
    assert workers
    run.kill()
    run.wait()
    end = time.monotonic() + 30
    while any(_alive(pid) for pid in workers) and time.monotonic() < end:
        time.sleep(0.01)
    run.stdout.close()
    said = run.stderr.read()
    run.stderr.close()

    assert not any(_alive(pid) for pid in workers)
    assert b"Traceback" not in said


def test_a_worker_whose_command_is_gone_ends_without_a_word() -> None:
    here, there = multiprocessing.Pipe()
    here.send(FileRef(str(PICTURE)))
    worker = multiprocessing.get_context("spawn").Process(
        target=_work, args=(there, Limits())
    )
    receiver = os.dup(here.fileno())
    here.close()
    worker.start()
    there.close()
    os.close(receiver)
    worker.join(60)

    assert worker.exitcode == 0


def test_ctrl_c_keeps_what_is_answered_and_says_how_to_go_on(
    ask: "Run",
    node: "FakeNode",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node.knows()
    fill(tmp_path / "files", 6)
    output, asked = tmp_path / "out", ask_digests
    command = ("match", *WHERE, "--output", str(output), str(tmp_path / "files"))
    monkeypatch.setattr(media, "LONGEST", 0.0)  # so each is asked about by itself
    bodies = 0

    def interrupted(*arguments: Any) -> list[Any]:  # noqa: ANN401
        nonlocal bodies
        bodies += 1
        if bodies == 3:
            raise KeyboardInterrupt
        return asked(*arguments)

    monkeypatch.setattr(media, "ask_digests", interrupted)
    ended = ask(*command)
    answered = lines_of(output.read_text())
    again = ask(*command, "--resume")

    assert ended.status == 130
    assert f"{len(answered)} are written; the same command with --resume" in ended.err
    assert 0 < len(answered) < 6
    assert (again.status, len(lines_of(output.read_text()))) == (0, 6)


def _tree(top: int) -> set[int]:
    found, waiting = {top}, [top]
    while waiting:
        pid = waiting.pop()
        for task in Path(f"/proc/{pid}/task").iterdir():
            new = set(map(int, (task / "children").read_text().split())) - found
            found |= new
            waiting += new
    return found


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_memory_does_not_grow_with_the_number_of_files(tmp_path: Path) -> None:
    held = [0, 0]

    def many() -> "Iterator[FileRef]":
        for _ in range(3_000):
            held[0] += 1
            yield FileRef(str(tmp_path / "none"))

    for _ in digest_all(many(), 1):
        held[1] += 1
        assert held[0] - held[1] <= 200

    assert held == [3_000, 3_000]


def test_a_folder_is_walked_as_it_is_read(tmp_path: Path) -> None:
    fill(tmp_path / "files", 9)
    found = [digest_file(ref) for ref in files_of([str(tmp_path / "files")])]

    assert len(found) == 9
    assert all(each.fault is None for each in found)


def test_a_file_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    target = tmp_path / "target"
    target.write_bytes(b"elsewhere")
    file = tmp_path / "files/file"
    file.write_bytes(b"here")
    (ref,) = files_of([str(tmp_path / "files")])
    file.unlink()
    file.symlink_to(target)
    found = digest_file(ref)

    assert found.fault is not None
    assert found.fault.code == "replaced"
    assert digest_file(FileRef(str(file))).digests["sha256"] == sha256(target)


def replace_by_link(folder: Path, target: Path) -> None:
    folder.rename(folder.with_name("away"))
    folder.symlink_to(target)


@pytest.mark.parametrize("which", ["files/inner", "files"])
def test_a_folder_that_became_a_link_is_not_followed_to_a_file(
    tmp_path: Path, which: str
) -> None:
    fill(tmp_path / "files", 2)
    fill(tmp_path / "elsewhere", 2)
    outside = tmp_path / ("elsewhere" if which == "files" else "elsewhere/inner")
    refs = list(files_of([str(tmp_path / "files")]))
    assert [digest_file(ref).fault for ref in refs] == [None, None]
    replace_by_link(tmp_path / which, outside)
    found = {Path(ref.path).name: digest_file(ref) for ref in refs}

    codes = {name: each.fault and each.fault.code for name, each in found.items()}
    intact = None if which == "files/inner" else "replaced"
    assert codes == {"0.bin": intact, "1.bin": "replaced"}
    assert not found["1.bin"].digests


@pytest.mark.parametrize("which", ["files/inner", "files"])
def test_a_folder_that_became_a_link_is_not_walked(tmp_path: Path, which: str) -> None:
    fill(tmp_path / "files", 2)
    fill(tmp_path / "elsewhere", 6)
    (tmp_path / "elsewhere/inner/private").write_bytes(b"of somebody else")
    walk = files_of([str(tmp_path / "files")])
    first = next(walk)  # `inner` is known by now, and read once the others are
    replace_by_link(tmp_path / which, tmp_path / "elsewhere")
    rest = list(walk)

    assert first.path == str(tmp_path / "files/0.bin")
    (other,) = rest
    if which == "files":  # what was opened first is read on, and told apart then
        assert other.path == str(tmp_path / "files/inner/1.bin")
        assert digest_file(other).fault is not None
    else:
        assert other.path == str(tmp_path / "files/inner")
        assert other.fault is not None
        assert other.fault.code == "replaced"


def test_a_link_that_somebody_names_is_followed(tmp_path: Path) -> None:
    fill(tmp_path / "files", 4)
    (tmp_path / "link").symlink_to(tmp_path / "files")
    found = [digest_file(ref) for ref in files_of([str(tmp_path / "link")])]

    assert [each.fault for each in found] == [None] * 4
    assert {Path(each.ref.path).parent.name for each in found} == {"link", "inner"}


def test_the_file_of_answers_is_no_input(run: "Run", tmp_path: Path) -> None:
    files = fill(tmp_path / "files", 3)
    output = tmp_path / "files/out.ndjson"
    (tmp_path / "files/inner/out.ndjson").write_bytes(b"another")
    command = ("hash", "--output", str(output), str(tmp_path / "files"))
    run(*command)
    resumed = run(*command, "--resume")

    names = [each["file"] for each in lines_of(output.read_text())]
    wanted = [*files, tmp_path / "files/inner/out.ndjson"]
    assert sorted(names) == sorted(map(str, wanted))
    assert resumed.status == 0


@pytest.mark.parametrize("name", ["x,sha256", "0,1.bin", "kind", "a;md5;b"])
@pytest.mark.parametrize("form", ["{digest}  {name}", "SHA256 ({name}) = {digest}"])
def test_no_name_of_a_file_makes_its_line_a_head(
    ask: "Run", node: "FakeNode", tmp_path: Path, name: str, form: str
) -> None:
    bad, listing = "ab" * 32, tmp_path / "list"
    listing.write_text(form.format(digest=bad, name=name) + "\n")
    node.knows(bad)
    outcome = ask("match", *WHERE, "--list", str(listing))

    assert outcome.status == 10, outcome.err


def test_a_list_that_has_changed_is_asked_anew_where_it_has(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    listing, output = tmp_path / "list", tmp_path / "out"
    lines = [f"{n:02x}" * 32 + f"  f{n}\n" for n in range(1, 5)]
    listing.write_text("".join(lines))
    command = ("match", *WHERE, "--list", str(listing), "--output", str(output))
    node.knows("ff" * 32)
    assert ask(*command).status == 0
    bad = "ab" * 32
    node.knows(bad)
    listing.write_text("".join([f"{bad}  f0\n", *lines]))  # each moves down by a line
    outcome = ask(*command, "--resume")

    assert outcome.status == 10
    again = ask(*command, "--resume")
    assert again.status == 10
    written = [json.loads(line) for line in output.read_text().splitlines()]
    assert sum(each["result"] == "review" for each in written) == 1
    assert len(written) == 9  # of the first list, and of all lines of the second


def test_answers_that_others_can_write_are_not_gone_on_with(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    folder, output = tmp_path / "files", tmp_path / "out"
    fill(folder, 3)
    node.knows()
    command = ("match", *WHERE, "--output", str(output), str(folder))
    assert ask(*command).status == 0
    output.chmod(0o666)
    refused = ask(*command, "--resume")
    output.chmod(0o644)

    assert refused.status == 5
    assert "others than you" in refused.err
    assert "chmod go-w" in refused.err
    assert ask(*command, "--resume").status == 0
