"""Models of price forecasts: list them, see how they did, promote a version or go back, train one."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from tradeloom.api.models.trained_models import (
    ModelDetail,
    ModelList,
    Promote,
    StartTraining,
    Training,
    TrainingList,
    UploadModel,
)
from tradeloom.api.routing import PREFIX, Id, Routes, answers, reply

router = Routes()
_TAGS = ["models"]
ModelId = Annotated[str, Path(description="The model's id.", min_length=1, max_length=128)]


@router.get(f"{PREFIX}/models", summary="List models", operation_id="listModels", tags=_TAGS, **answers(ModelList))
def listing() -> ModelList:
    return router.ports.models.listing(router.caller.tenant)


@router.get(
    f"{PREFIX}/models/<id>",
    summary="Read a model",
    description="With all its versions and the walk-forward test of each.",
    operation_id="getModel",
    tags=_TAGS,
    **answers(ModelDetail, 404),
)
def read(id: ModelId) -> ModelDetail:
    return router.ports.models.get(router.caller.tenant, id)


@router.post(
    f"{PREFIX}/models",
    summary="Upload a model",
    description="Examines an ONNX file and keeps it as the newest version of its name. Only plain graphs of known "
    "operators are taken; what is wrong with another is said.",
    operation_id="uploadModel",
    tags=_TAGS,
    **answers(ModelDetail, status=201, said="Kept.", body=True),
)
def upload(brought: Annotated[UploadModel, Body()]) -> Response[Any]:
    return reply(router.ports.models.upload(router.caller.tenant, brought), status=201)


@router.post(
    f"{PREFIX}/models/<id>/promote",
    summary="Choose the version that is used",
    description="It stays in use until another is chosen. Forecasts of moments before its training ended go on with "
    "versions of their own time.",
    operation_id="promoteModel",
    tags=_TAGS,
    **answers(ModelDetail, 404, 409, body=True),
)
def promote(id: ModelId, wanted: Annotated[Promote, Body()]) -> ModelDetail:
    return router.ports.models.promote(router.caller.tenant, id, wanted.version)


@router.post(
    f"{PREFIX}/models/<id>/rollback",
    summary="Go back to the version before the one in use",
    operation_id="rollBackModel",
    tags=_TAGS,
    **answers(ModelDetail, 404, 409),
)
def rollback(id: ModelId) -> ModelDetail:
    return router.ports.models.rollback(router.caller.tenant, id)


@router.post(
    f"{PREFIX}/model-trainings",
    summary="Train a model",
    description="On an account's closed bars up to now, as `ml.predict` does. Read the training to see how far it is.",
    operation_id="startTraining",
    tags=_TAGS,
    **answers(Training, 404, 409, 502, 504, status=202, said="Started.", body=True),
)
def train(wanted: Annotated[StartTraining, Body()]) -> Response[Any]:
    return reply(router.ports.models.train(router.caller.tenant, wanted), status=202)


@router.get(
    f"{PREFIX}/model-trainings",
    summary="List trainings",
    operation_id="listTrainings",
    tags=_TAGS,
    **answers(TrainingList),
)
def trainings() -> TrainingList:
    return router.ports.models.trainings(router.caller.tenant)


@router.get(
    f"{PREFIX}/model-trainings/<id>",
    summary="See how far a training is",
    operation_id="getTraining",
    tags=_TAGS,
    **answers(Training, 404),
)
def training(id: Id) -> Training:
    return router.ports.models.training(router.caller.tenant, id)
