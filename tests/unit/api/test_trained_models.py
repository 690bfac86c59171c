"""The routes of models, on the local adapter itself: trained on real bars, promoted, rolled back."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.onnx_models import linear
from tests.unit.api.conftest import Ask
from tests.unit.api.fake_models import Market, models_in_memory
from tests.unit.api.fakes import fake_ports
from tradeloom.api.models.trained_models import MAX_UPLOAD_BYTES
from tradeloom.api.ports import Ports
from tradeloom.nodes.ml._features import FEATURES

WANTED = {"account": "paper", "symbol": "EURUSD", "timeframe": "H1", "training_bars": 500, "retrain_every": 1}


@pytest.fixture
def market() -> Market:
    return Market()


@pytest.fixture
def ports(market: Market) -> Ports:
    return replace(fake_ports(), models=models_in_memory(market))


@pytest.fixture
def trained(ask: Ask, market: Market) -> list[dict[str, Any]]:
    """Two versions of one model, a day apart: the second is the newer."""
    done = []
    for _ in range(2):
        begun = ask("POST", "/model-trainings", WANTED)
        assert begun.status == 202, begun.text
        done.append(ask("GET", f"/model-trainings/{begun.json['id']}").json)
        market.now = datetime.fromtimestamp(market.now.timestamp() + 86_400, UTC)
    return done


def test_a_training_ends_with_a_version_and_its_walk_forward_test(ask: Ask, trained: list[dict[str, Any]]) -> None:
    first, second = trained
    assert (first["state"], first["done"], first["total"], first["kept"]) == ("done", 7, 7, True), first
    assert second["version"] != first["version"]
    (item,) = ask("GET", "/models").json["items"]
    assert (item["id"], item["kind"], item["symbol"], item["timeframe"]) == (first["model"], "ridge", "EURUSD", "H1")
    assert (item["versions"], item["promoted"], item["current"]["version"]) == (2, None, second["version"])
    scores = item["current"]["scores"]
    assert scores["windows"] == len(scores["window_mae"]) == len(scores["window_naive_mae"]) == 6
    assert min(scores["window_mae"]) <= scores["mae"] <= max(scores["window_mae"])
    assert sum(scores["counts"]) == scores["n"]
    assert [each["id"] for each in ask("GET", "/model-trainings").json["items"]] == [second["id"], first["id"]]


def test_the_same_bars_make_the_same_version_once(ask: Ask, trained: list[dict[str, Any]], market: Market) -> None:
    market.now = datetime.fromtimestamp(market.now.timestamp() - 86_400, UTC)
    again = ask("POST", "/model-trainings", WANTED).json
    done = ask("GET", f"/model-trainings/{again['id']}").json
    assert (done["version"], done["kept"]) == (trained[1]["version"], False)
    assert ask("GET", f"/models/{done['model']}").json["versions"] == 2


def test_a_version_is_promoted_trained_beside_and_rolled_back(
    ask: Ask, trained: list[dict[str, Any]], market: Market
) -> None:
    first, second = trained
    address = f"/models/{first['model']}"
    rolled = ask("POST", f"{address}/rollback").json
    assert (rolled["promoted"], rolled["current"]["version"]) == (first["version"], first["version"])
    third = ask("POST", "/model-trainings", WANTED).json
    version = ask("GET", f"/model-trainings/{third['id']}").json["version"]
    after = ask("GET", address).json
    assert after["promoted"] == first["version"]  # a training never takes a person's choice away
    assert [each["version"] for each in after["history"]] == [version, second["version"], first["version"]]
    promoted = ask("POST", f"{address}/promote", {"version": second["version"][:12]}).json
    assert promoted["current"]["version"] == second["version"]
    assert ask("POST", f"{address}/promote", {"version": None}).json["promoted"] is None


def test_what_is_not_there_is_said(ask: Ask, trained: list[dict[str, Any]]) -> None:
    address = f"/models/{trained[0]['model']}"
    assert ask("GET", "/models/trained~GBPUSD~H1~ridge~h1~0").status == 404
    assert ask("POST", f"{address}/promote", {"version": "ffff"}).error["field"] == "version"
    assert ask("GET", "/model-trainings/nope").status == 404
    ask("POST", f"{address}/rollback")
    assert ask("POST", f"{address}/rollback").status == 404


def test_settings_that_cannot_be_are_refused_before_anything_runs(ask: Ask) -> None:
    assert ask("POST", "/model-trainings", WANTED | {"account": "other"}).error["field"] == "account"
    too_far = ask("POST", "/model-trainings", WANTED | {"horizon": 100})
    assert too_far.status == 422
    assert "2000 training bars" in too_far.text
    assert ask("GET", "/model-trainings").json["items"] == []


def test_too_little_history_is_what_the_training_ends_with(ask: Ask) -> None:
    begun = ask("POST", "/model-trainings", WANTED | {"training_bars": 4_000}).json
    done = ask("GET", f"/model-trainings/{begun['id']}").json
    assert (done["state"], done["error"]["name"]) == ("failed", "NotEnoughBars")


def encoded(model: Any) -> str:
    return base64.b64encode(model.SerializeToString()).decode()


def test_an_uploaded_model_is_kept_and_a_second_file_is_its_next_version(ask: Ask) -> None:
    body = {"name": "momentum", "horizon": 6, "features": list(FEATURES[:3]), "timeframe": "H1"}
    first = ask("POST", "/models", {**body, "model": encoded(linear(features=3))})
    assert first.status == 201, first.text
    assert (first.json["id"], first.json["kind"], first.json["horizon"]) == ("uploaded~momentum", "uploaded", 6)
    assert first.json["current"]["features"] == list(FEATURES[:3])
    second = ask("POST", "/models", {**body, "model": encoded(linear(features=3, intercept=0.5))}).json
    assert [each["version"] for each in second["history"]][1] == first.json["current"]["version"]
    assert [each["id"] for each in ask("GET", "/models").json["items"]] == ["uploaded~momentum"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"model": "no base64!"}, "model"),
        ({"model": "n\u00f6 ASCII"}, "model"),
        ({"model": base64.b64encode(b"no model").decode()}, "model"),
        ({"features": ["return_1", "moon_phase"]}, "features"),
        ({"features": ["return_1"]}, "model"),  # it takes another number of inputs
        ({"name": "../other"}, "name"),
    ],
)
def test_what_is_no_model_is_refused_and_nothing_is_kept(ask: Ask, changed: dict[str, Any], field: str) -> None:
    body = {"name": "momentum", "horizon": 1, "model": encoded(linear())}
    refused = ask("POST", "/models", {**body, **changed})
    assert refused.status == 422, refused.text
    assert (refused.error["name"], refused.error["field"]) == ("ModelRefused", field)
    assert ask("GET", "/models").json["items"] == []


def test_a_file_that_is_too_large_is_refused_before_it_is_read(ask: Ask) -> None:
    body = {"name": "momentum", "horizon": 1, "model": "A" * (MAX_UPLOAD_BYTES * 4 // 3 + 8)}
    refused = ask("POST", "/models", body)
    assert refused.status == 422
    assert refused.error["field"] == "model"
