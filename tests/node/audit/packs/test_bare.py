# SPDX-License-Identifier: Apache-2.0
"""The pack's own verifier in a bare environment: nothing of FedSafe is there.

The environment is made afresh and holds `cryptography` and what that needs, from
where these tests have it; its Python runs isolated (`-I`). Packs that were changed
are all judged by one process, so that many of them cost little.
"""

import json
import shutil
import subprocess
import venv
import zipfile
from collections.abc import Sequence
from importlib.metadata import files
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest
from tests.node.audit.conftest import Made

PACKAGES: Final = ("cryptography", "cffi", "pycparser")
JUDGE: Final = """
import io, json, runpy, sys
from contextlib import redirect_stdout
script, known, *packs = sys.argv[1:]
main = runpy.run_path(script)["main"]
found = []
for pack in packs:
    with redirect_stdout(io.StringIO()) as told:
        status = main([pack, "--fingerprint", known])
    found.append([status, told.getvalue()])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the Python of a bare environment."""
    root = tmp_path_factory.mktemp("bare")
    venv.create(root, with_pip=False, symlinks=True)
    (place,) = root.glob("lib/python*/site-packages")
    for package in PACKAGES:
        for file in files(package) or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (place / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), place / file)
    return root / "bin" / "python"


def run(
    python: Path, arguments: Sequence[str], *, status: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [python, "-I", *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (status, "")
    return done


@pytest.fixture(params=["alone", "cosigned"])
def made(request: pytest.FixtureRequest, made: Made, cosigned: Made) -> Made:
    """Give a pack of a node alone, and one that others have cosigned."""
    return cosigned if request.param == "cosigned" else made


@pytest.fixture
def script(made: Made, tmp_path: Path) -> Path:
    """Give the verifier, taken out of the pack as any tool does it."""
    path = tmp_path / "verify.py"
    with zipfile.ZipFile(BytesIO(made.pack)) as archive:
        assert archive.testzip() is None
        path.write_bytes(archive.read("verify.py"))
    return path


def test_nothing_else_is_there(bare: Path) -> None:
    ask = "import importlib.metadata as m; print(*{d.name for d in m.distributions()})"

    assert set(run(bare, ["-c", ask]).stdout.split()) == set(PACKAGES)


def test_a_pack_verifies_there(
    bare: Path, made: Made, script: Path, tmp_path: Path
) -> None:
    pack = tmp_path / "pack.zip"
    pack.write_bytes(made.pack)
    known = [word for each in made.trust for word in ("--trust", each)]
    if not made.charter:
        known += ["--witnesses", "0"]
    good = run(bare, [str(script), str(pack), *known])
    other = run(bare, [str(script), str(pack), "--fingerprint", "0" * 64], status=20)
    missing = run(bare, [str(script), str(tmp_path / "none.zip")], status=22)

    assert good.stdout.endswith("VERIFIES / UNVERSEHRT\n")
    assert "another key than the fingerprint's" in other.stdout
    assert "No such file" in missing.stdout


def test_one_changed_byte_of_any_file_fails_there_and_says_where(
    bare: Path, made: Made, script: Path, tmp_path: Path
) -> None:
    packs, names = list[str](), list[str]()
    with zipfile.ZipFile(BytesIO(made.pack)) as archive:
        entries = archive.infolist()
    for entry in entries:
        start = entry.header_offset + 30 + len(entry.filename)
        for at in {0, entry.file_size // 2, entry.file_size - 1}:
            changed = bytearray(made.pack)
            changed[start + at] ^= 1
            path = tmp_path / f"{len(packs)}.zip"
            path.write_bytes(changed)
            packs.append(str(path))
            names.append(entry.filename)
    arguments = ["-c", JUDGE, str(script), made.fingerprint, *packs]
    verdicts = json.loads(run(bare, arguments).stdout)

    assert set(names) == set(made.files)
    assert [status for status, _ in verdicts] == [20] * len(packs)
    for name, (_, told) in zip(names, verdicts, strict=True):
        german = f"NICHT UNVERSEHRT: {name} wurde verändert\n"
        assert told == f"DOES NOT VERIFY: {name} has changed\n{german}"
