"""The model store: what is kept, chosen, gone back to and refused."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.fake_models import FakeFiles
from tests.support.fake_variables import FakeVariables
from tests.support.onnx_models import COUNT, linear
from tradeloom.errors import Conflict, ModelRefused, NotFound
from tradeloom.nodes.ml._features import FEATURES
from tradeloom.nodes.ml._upload import upload
from tradeloom.nodes.models import KEPT_VERSIONS, MAX_UPLOADED, ModelRecord, ModelStore
from tradeloom.nodes.variables import MAX_VALUE_BYTES, MAX_VARIABLES, Variable


def make_store(**more: Any) -> ModelStore:
    return ModelStore(FakeVariables(), FakeFiles(), **more)


def record_of(content: bytes, **more: Any) -> ModelRecord:
    values = {"kind": "ridge", "horizon": 1, "features": FEATURES, "target": "scaled_return"}
    version = hashlib.sha256(content).hexdigest()
    return ModelRecord.model_validate({**values, "version": version, "file_bytes": len(content), **more})


def keep(store: ModelStore, *contents: bytes, name: str = "trained/a") -> list[str]:
    for content in contents:
        store.keep(name, record_of(content), content)
    return [hashlib.sha256(content).hexdigest() for content in contents]


class TestShelves:
    def test_the_newest_is_current_until_another_is_chosen(self) -> None:
        store = make_store()
        one, two, three = keep(store, b"one", b"two", b"three")
        assert [record.version for record in store.shelf("trained/a").versions] == [three, two, one]

        def current() -> str:
            record = store.shelf("trained/a").current
            assert record is not None
            return record.version

        assert current() == three
        assert store.rollback("trained/a").active == two
        assert current() == two
        assert store.rollback("trained/a").active == one
        with pytest.raises(NotFound, match="no earlier version"):
            store.rollback("trained/a")
        store.promote("trained/a", three[:10])
        assert current() == three
        store.promote("trained/a", one)
        [four] = keep(store, b"four")
        assert current() == one, "a new version waits to be promoted where one was chosen"
        store.promote("trained/a", None)
        assert current() == four

    def test_the_oldest_go_and_never_the_chosen_one(self) -> None:
        store = make_store()
        versions = keep(store, *(str(each).encode() for each in range(3)))
        store.promote("trained/a", versions[0])
        keep(store, *(str(each).encode() for each in range(3, 30)))
        shelf = store.shelf("trained/a")
        assert len(shelf.versions) == KEPT_VERSIONS
        assert shelf.chosen is not None
        assert shelf.chosen.version == versions[0]
        assert store.content(shelf.chosen) == b"0"

    def test_the_same_file_again_is_one_version(self) -> None:
        store = make_store()
        keep(store, b"one", b"two", b"one")
        assert len(store.shelf("trained/a").versions) == 2

    def test_a_full_shelf_fits_a_variable(self) -> None:
        store = make_store()
        scores = {"residuals": [-1.23456e-05] * 99, "hits": [1234.5] * 5, "counts": [1234] * 5, "edges": [0.123456] * 4}
        for each in range(KEPT_VERSIONS):
            content = str(each).encode()
            at = datetime(2026, 1, 1, tzinfo=UTC)
            store.keep("trained/a", record_of(content, scores=scores, trained_from=at, trained_to=at), content)
        assert len(store.shelf("trained/a").model_dump_json()) < MAX_VALUE_BYTES / 2

    @pytest.mark.parametrize("wanted", ["", "0000", "f" * 64, "x'; DROP TABLE"])
    def test_a_version_that_is_not_there_or_not_the_only_one_is_not_found(self, wanted: str) -> None:
        store = make_store()
        keep(store, b"one", b"two")
        with pytest.raises(NotFound, match="has no version"):
            store.promote("trained/a", wanted)
        with pytest.raises(NotFound, match="no model 'trained/b'"):
            store.promote("trained/b", wanted)

    def test_read_only_keeps_nothing(self) -> None:
        store = make_store(read_only=True)
        keep(store, b"one")
        assert not store.names()

    def test_two_that_keep_at_once_both_do(self) -> None:
        variables, files = FakeVariables(), FakeFiles()
        rivals = [b"rival"]

        def rival() -> None:
            if rivals:
                content = rivals.pop()
                keep(ModelStore(variables, files), content)

        variables.rivals = rival
        mine, theirs = keep(ModelStore(variables, files), b"mine")[0], hashlib.sha256(b"rival").hexdigest()
        shelf = ModelStore(variables, files).shelf("trained/a")
        assert [record.version for record in shelf.versions] == [mine, theirs]

    def test_a_record_that_names_another_file_is_refused(self) -> None:
        with pytest.raises(Conflict):
            make_store().keep("trained/a", record_of(b"one"), b"two")


class TestUpload:
    def test_what_is_declared_is_kept(self) -> None:
        store = make_store()
        content = linear(features=2).SerializeToString()
        at = datetime(2020, 1, 1, tzinfo=UTC)
        made = upload(store, "my-model.v2", content, horizon=5, features=["rsi_14", "return_1"], trained_to=at)
        assert store.uploaded("my-model.v2") == made
        assert store.uploaded(made.version) == made
        assert (made.kind, made.horizon, made.features, made.trained_to) == ("uploaded", 5, ("rsi_14", "return_1"), at)
        assert store.content(made) == content

    @pytest.mark.parametrize(
        ("declared", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "a/b"}, "name"),
            ({"name": "../x"}, "name"),
            ({"name": "ä"}, "name"),
            ({"name": "x" * 65}, "name"),
            ({"name": "a" * 64}, "name"),  # would read as a version
            ({"name": "good\n"}, "name"),
            ({"horizon": 0}, "horizon"),
            ({"horizon": 201}, "horizon"),
            ({"features": []}, "features"),
            ({"features": ["rsi_14", "rsi_14"]}, "features"),
            ({"features": ["\ud800"]}, "features"),
            ({"trained_to": datetime(2020, 1, 1)}, "trained_to"),  # noqa: DTZ001
            ({"content": b"no model"}, "model"),
            ({"features": FEATURES[:3]}, "model"),  # the file takes more
        ],
    )
    def test_what_is_declared_wrongly_is_refused_and_nothing_kept(self, declared: dict[str, Any], field: str) -> None:
        store = make_store()
        given = {"name": "good", "content": linear().SerializeToString(), "horizon": 1, **declared}
        with pytest.raises(ModelRefused) as raised:
            upload(store, given.pop("name"), given.pop("content"), **given)
        assert raised.value.field == field
        assert not store.names()

    def test_there_is_a_most(self) -> None:
        store = make_store()
        content = linear(features=1).SerializeToString()
        for each in range(MAX_UPLOADED):
            upload(store, f"m{each}", content, horizon=1, features=["rsi_14"])
        upload(store, "m0", content, horizon=2, features=["rsi_14"])
        with pytest.raises(ModelRefused, match="64 models are kept already"):
            upload(store, "another", content, horizon=1, features=["rsi_14"])

    def test_the_features_are_as_many_as_the_helpers_say(self) -> None:
        assert len(FEATURES) == COUNT == len(set(FEATURES))
        assert Variable(None, 0).value is None
        assert MAX_UPLOADED < MAX_VARIABLES
