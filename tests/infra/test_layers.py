"""Layers come from the lock, the same bytes each time, and a stale one is refused."""

import hashlib
import json
import shutil
import sys
import zipfile
from importlib.metadata import PathDistribution, version
from pathlib import Path

import pytest

from infra.layers import LayerNotBuilt, all_built, zip_of
from layers import build
from layers.lock import BrokenLock, closure, read_lock, requirements_of
from layers.recipes import (
    ALL,
    BROKER,
    CODE,
    CORE,
    MAX_UNZIPPED_BYTES,
    ML,
    NETWORK,
    QUANT,
    SENTIMENT,
    Marker,
    pins_of,
    recipe_digest,
    source_files,
)
from tests.infra.conftest import Cloud

lambdas_python = pytest.mark.skipif(
    sys.version_info[:2] != (3, 13), reason="bytecode for Lambda is compiled by Python 3.13 only"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the code layer in it."""
    folder = tmp_path_factory.mktemp("code")
    build.build(CODE, folder)
    return folder


LOCKED = """\
app==1.0 \\
    --hash=sha256:aa
    # via tradeloom (pyproject.toml)
Left_Pad==2.0 ; sys_platform != 'win32' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via
    #   app
    #   other
other==3.0 \\
    --hash=sha256:dd
    # via tradeloom (pyproject.toml:dev)
deep==4.0 \\
    --hash=sha256:ee
    # via left-pad
"""


def test_a_closure_is_all_that_is_needed_and_no_more() -> None:
    found = closure(read_lock(LOCKED), ["App"])
    assert list(found) == ["app", "deep", "left-pad"]
    assert found["left-pad"].text == (
        "Left_Pad==2.0 ; sys_platform != 'win32' \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc"
    )


def test_what_is_not_locked_is_refused() -> None:
    with pytest.raises(BrokenLock, match="absent"):
        closure(read_lock(LOCKED), ["absent"])


def test_layers_hold_what_their_extras_ask_for_each_thing_once() -> None:
    core, quant, broker = (pins_of(layer) for layer in (CORE, QUANT, BROKER))
    assert {"pydantic", "pydantic-core", "aws-lambda-powertools", "tzdata"} <= core.keys()
    assert {"numpy", "ta-lib"} <= quant.keys()
    assert {"rpyc", "plumbum"} <= broker.keys()
    assert not core.keys() & quant.keys()
    assert not core.keys() & broker.keys()
    for pins in (core, quant, broker):
        assert not {"boto3", "botocore", "aws-cdk-lib", "psycopg", "pytest"} & pins.keys()
        assert all("--hash=sha256:" in pin.text for pin in pins.values())
    # The models' runtime stands on what quant brings: numpy once.
    assert {"onnx", "onnxruntime"} <= pins_of(ML).keys()
    assert pins_of(NETWORK).keys() == {"certifi", "h11", "idna"}
    assert "vadersentiment" in pins_of(SENTIMENT)
    assert not pins_of(ML).keys() & (core.keys() | quant.keys())
    assert set(requirements_of("quant")) == {"numpy", "pandas", "TA-Lib"}


def test_the_code_layer_leaves_the_local_machine_out() -> None:
    files = {path.as_posix() for path in source_files()}
    assert {"errors.py", "runtime/handler.py", "nodes/registry.py"} <= files
    local = ("engine/", "data/", "local/", "cli/", "cli.py")
    assert not [path for path in files if path.startswith(local) or path.endswith(".pyc")]


@lambdas_python
def test_the_code_layer_is_importable_bytecode_and_the_same_bytes_each_time(tmp_path: Path, built: Path) -> None:
    first, second = Marker.read(CODE, built), build.build(CODE, tmp_path)
    assert first == second
    content = Marker.zip(CODE, tmp_path).read_bytes()
    assert hashlib.sha256(content).hexdigest() == first.sha256
    with zipfile.ZipFile(tmp_path / f"{CODE}.zip") as archive:
        names = archive.namelist()
        metadata = archive.read("python/tradeloom.dist-info/METADATA").decode()
        bytecode = archive.read("python/tradeloom/__pycache__/errors.cpython-313.pyc")
    assert "python/tradeloom/errors.py" in names
    assert f"Version: {version('tradeloom')}" in metadata
    assert bytecode[4:8] == (0b01).to_bytes(4, "little"), "an unchecked hash: file times and source are never asked"
    assert b"/opt/python/tradeloom/errors.py" in bytecode
    assert str(tmp_path).encode() not in bytecode
    assert first.unzipped_bytes > first.zipped_bytes > 0


def test_trimming_leaves_what_runs(tmp_path: Path) -> None:
    kept = ["numpy/core.so", "numpy/licence.txt", "numpy-2.dist-info/METADATA", "numpy/testing/utils.py"]
    gone = ["bin/f2py", "numpy/tests/test_a.py", "numpy/x/tests/tests/b.py", "numpy/_core.c", "numpy/__init__.pyi"]
    gone += ["numpy-2.dist-info/RECORD", "numpy-2.dist-info/INSTALLER"]
    for name in kept + gone:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    build.trim(tmp_path)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)


def test_taking_a_distribution_out_leaves_the_others(tmp_path: Path) -> None:
    for name in ("six.py", "six-1.dist-info/RECORD", "shared/a.py", "shared/b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("six.py,,\nsix-1.dist-info/RECORD,,\nshared/a.py,,\n")
    build.remove(PathDistribution(tmp_path / "six-1.dist-info"))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["b.py"]


def test_layers_past_lambdas_limit_fail_the_build() -> None:
    half = Marker(CORE, "", "", 1, MAX_UNZIPPED_BYTES // 2)
    assert build.check_sizes([half, half]) == MAX_UNZIPPED_BYTES
    with pytest.raises(build.BuildFailed, match="262,144,000"):
        build.check_sizes([half, half, Marker(BROKER, "", "", 1, 1)])


@lambdas_python
def test_a_missing_or_stale_layer_is_refused_and_a_fresh_one_taken(tmp_path: Path, built: Path) -> None:
    assert not all_built(tmp_path)
    with pytest.raises(LayerNotBuilt, match="has not been built"):
        zip_of(CODE, tmp_path)
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    marker = Marker.read(CODE, tmp_path)
    assert marker is not None
    assert zip_of(CODE, tmp_path) == tmp_path / "tradeloom.zip"
    Marker(**{**marker.__dict__, "recipe": "0" * 64}).write(tmp_path)
    with pytest.raises(LayerNotBuilt, match="other sources"):
        zip_of(CODE, tmp_path)


@lambdas_python
def test_a_failed_build_says_why_and_keeps_the_last(
    tmp_path: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    before = Marker.read(CODE, tmp_path)
    monkeypatch.setattr(build, "PYTHON", "2.7")
    with pytest.raises(build.BuildFailed, match=r"Python 2\.7"):
        build.build(CODE, tmp_path)
    assert Marker.read(CODE, tmp_path) == before


def test_an_unknown_layer_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build.main(["cores"])
    assert "no such layer: cores" in capsys.readouterr().err


def test_every_layer_has_its_own_digest() -> None:
    digests = [recipe_digest(layer) for layer in ALL]
    assert len(set(digests)) == len(ALL)
    assert digests == [recipe_digest(layer) for layer in ALL]


def test_a_template_with_placeholders_says_so_and_refuses_to_be_deployed(cloud: Cloud) -> None:
    template = cloud.templates["functions"]
    assert "placeholders" in template["Metadata"]["tradeloom:layers"]
    [assertion] = template["Rules"]["LayersAreBuilt"]["Assertions"]
    assert assertion["Assert"] == {"Fn::Equals": ["placeholder", "built"]}
    layers = cloud.resources("AWS::Lambda::LayerVersion").values()
    assert {layer["LayerName"] for layer in layers} == {f"tradeloom-{layer}" for layer in ALL}
    assert len({json.dumps(layer["Content"]) for layer in layers}) == 1
