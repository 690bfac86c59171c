"""Models of price forecasts: their versions, how each did in its test, and training them."""

from typing import Any, Final, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from tradeloom.api.models.base import Model
from tradeloom.nodes.ml.predict import ROWS_A_HORIZON
from tradeloom.trading.timeframes import Timeframe


class ModelScores(Model):
    """Walk-forward: each forecast tested was made by a model that had seen earlier bars only. Errors are in price."""

    n: int = Field(description="How many forecasts were tested.")
    windows: int
    mae: float = Field(description="Mean absolute error.")
    rmse: float
    naive_mae: float = Field(description="The same of saying that the price stays where it is.")
    skill: float = Field(description="1 - mae / naive_mae.")
    t_statistic: float = Field(description="Diebold-Mariano; from 1.645 on the gain is hardly chance.")
    directional_accuracy: float
    beats_naive: bool = Field(description="Whether it was better than the naive forecast beyond chance.")
    window_mae: list[float] = Field(description="The error of each test window, in time's order; empty for old ones.")
    window_naive_mae: list[float]
    hits: list[float] = Field(description="Right directions by how strong the forecast was, weakest fifth first.")
    counts: list[int] = Field(description="How many forecasts each fifth has.")
    residuals: list[float] = Field(description="1st to 99th percentile of outcome - forecast, in usual moves.")


class ModelVersion(Model):
    version: str = Field(description="SHA-256 of its ONNX file.")
    kind: Literal["ridge", "kernel", "uploaded"]
    horizon: int
    features: list[str]
    trained_from: AwareDatetime | None = None
    trained_to: AwareDatetime | None = None
    bars: int
    file_bytes: int
    added_at: AwareDatetime | None = None
    scores: ModelScores | None = Field(default=None, description="None for an uploaded one: it is tested when used.")


class ModelSummary(Model):
    id: str = Field(description="For addresses.", examples=["trained~EURUSD~H1~ridge~h1~0a1b2c3d4e5f"])
    name: str = Field(examples=["trained/EURUSD/H1/ridge/h1/0a1b2c3d4e5f"])
    kind: Literal["ridge", "kernel", "uploaded"]
    symbol: str | None = None
    timeframe: Timeframe | None = None
    horizon: int
    promoted: str | None = Field(default=None, description="The version a person chose; None: the newest that fits.")
    versions: int
    current: ModelVersion = Field(description="The promoted version, or the newest.")


class ModelList(Model):
    items: list[ModelSummary] = Field(description="By name.")


class ModelDetail(ModelSummary):
    history: list[ModelVersion] = Field(description="All its versions, newest first.")


class Promote(Model):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": "0a1b2c3d"}]})

    version: str | None = Field(
        max_length=64, description="The beginning of its SHA-256; null lets the newest be used again."
    )


MAX_UPLOAD_BYTES: Final = 860_000
"""Of a file that is sent in a request, which may be 1.2 MB large in all. `tradeloom models add` takes larger ones."""


class UploadModel(Model):
    """An ONNX file and what it is: a node uses it as `onnx:NAME`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "momentum", "horizon": 6}]})

    name: str = Field(min_length=1, max_length=64, description="What nodes call it. A known one gets a new version.")
    model: str = Field(
        min_length=1,
        max_length=4 * -(-MAX_UPLOAD_BYTES // 3),
        description=f"The ONNX file in base64; the file may have {MAX_UPLOAD_BYTES:,} bytes.",
    )
    horizon: int = Field(ge=1, le=200, description="How many bars ahead it forecasts.")
    features: list[str] | None = Field(
        default=None, max_length=64, description="Its inputs, in its order; null: all that there are."
    )
    target: Literal["scaled_return", "log_return"] = Field(
        default="scaled_return", description="Whether its answer is in usual moves, or a log return."
    )
    trained_to: AwareDatetime | None = Field(
        default=None, description="When the data it was trained on ends: tests begin there."
    )
    timeframe: Timeframe | None = Field(default=None, description="The only bars it is for; null: any.")


class StartTraining(Model):
    """Settings as `ml.predict` has them: a node with the same ones finds what is trained here."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"account": "paper", "symbol": "EURUSD", "timeframe": "H1"}]},
    )

    account: str = Field(min_length=1, max_length=64)
    symbol: str = Field(min_length=1, max_length=31)
    timeframe: Timeframe
    kind: Literal["ridge", "kernel"] = "ridge"
    horizon: int = Field(default=1, ge=1, le=200)
    training_bars: int = Field(default=2_000, ge=500, le=4_400)
    retrain_every: int = Field(default=24, ge=1, le=500)

    @model_validator(mode="after")
    def _enough_for_the_horizon(self) -> Self:
        least = ROWS_A_HORIZON * self.horizon
        if self.training_bars < least:
            raise ValueError(f"a horizon of {self.horizon} bars takes at least {least} training bars")
        return self


class Training(Model):
    id: str
    state: Literal["running", "done", "failed"]
    wanted: StartTraining
    done: int = Field(description="Fits made, of `total`.")
    total: int
    started_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    model: str | None = Field(default=None, description="Id of the model it made a version of.")
    version: str | None = None
    kept: bool | None = Field(default=None, description="False where the same version was there already.")
    error: dict[str, Any] | None = Field(default=None, description="What went wrong, as error answers have it.")


class TrainingList(Model):
    items: list[Training] = Field(description="Newest first; forgotten when Tradeloom stops.")
