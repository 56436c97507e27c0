"""Releases in MLflow: a run for each, a registry with aliases, and the way back to a `Classifier`.

A run holds the settings and thresholds, the data by name, digest and licence, every figure of the release, its card
and the release itself as a model that ``mlflow models serve`` runs. No message is in it but the golden ones, our own.

Runs go to the store of ``MLFLOW_TRACKING_URI``, by default ``mlflow.db`` (SQLite) in the current folder with the
artifacts beside it in ``mlruns/``. Nothing is sent anywhere else: MLflow's usage statistics are turned off.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import tempfile
import warnings
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.card import card
from classifier.errors import InputError, ReleaseError
from classifier.guidelines import LABELS
from classifier.policy import ACTIONS
from classifier.release import Release, load_release, save_release

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from classifier.training import Training

__all__ = ["EXPERIMENT", "registered_release", "track", "track_figures"]

EXPERIMENT = "guideline-classifier"
SCHEME = "models:/"
_MODEL = Path(__file__).with_name("pyfunc_model.py")
_PACKAGES = ("guideline-classifier", "mlflow", "numba", "numpy", "pandas", "pyarrow")
_EXAMPLE = {
    "text": ["hi! shall we practise Spanish tomorrow?", "Earn $500 a day from home, link in my profile"],
    "surface": ["private_message", "comment"],
}


def track(
    release: Training | str | Path,
    *,
    experiment: str = EXPERIMENT,
    run_name: str | None = None,
    tags: Mapping[str, str] | None = None,
    pictures: str | Path | None = None,
    register: str | None = None,
    alias: str | None = None,
) -> str:
    """Log a trained model, or the folder of a release, as an MLflow run; return the run's id.

    ``pictures`` is a folder whose images and pages are logged too; ``register`` the name of a registered model that
    gets a new version, and ``alias`` is then moved to it.

    Raises `ReleaseError` where the release is not sound and `InputError` where the store refuses.
    """
    if alias and not register:
        raise InputError("an alias needs a registered model", where=f"alias {alias}", todo="give its name to register")
    if pictures is not None and not Path(pictures).is_dir():
        raise InputError("there is no such folder", where=str(pictures), todo="name the folder with the pictures")
    if isinstance(release, str | Path):
        return _track(Path(release), experiment, run_name, tags or {}, pictures, register, alias)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, release.release.name)
        save_release(release.release, target, card(release.release))
        return _track(target, experiment, run_name, tags or {}, pictures, register, alias)


def track_figures(
    name: str,
    *,
    experiment: str = EXPERIMENT,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    tags: Mapping[str, str] | None = None,
) -> str:
    """Log figures without a release, such as those of an experiment, as an MLflow run; return the run's id.

    Raises `InputError` where the store refuses.
    """
    with _store(name) as mlflow:
        run = mlflow.start_run(experiment_id=_experiment(mlflow, experiment), run_name=name, tags=dict(tags or {}))
        with run:
            mlflow.log_params(dict(params))
            mlflow.log_metrics(dict(metrics))
        return str(run.info.run_id)


def registered_release(uri: str) -> Path:
    """The folder of a registered release, such as ``models:/guidelines@champion`` or ``models:/guidelines/3``.

    Raises `ReleaseError` where the registry has none.
    """
    with _store(uri) as mlflow:
        info = mlflow.models.get_model_info(uri)
        where = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    path = ((info.flavors.get("python_function") or {}).get("artifacts") or {}).get("release", {}).get("path")
    if path is None:
        raise ReleaseError("is no release of ours", where=uri, todo="register one with classifier track --register")
    return where / path


def _track(
    folder: Path, experiment: str, run_name: str | None, tags: Mapping[str, str], pictures: str | Path | None,
    register: str | None, alias: str | None,
) -> str:  # fmt: skip
    release = load_release(folder)
    with _store(str(folder)) as mlflow:
        run = mlflow.start_run(
            experiment_id=_experiment(mlflow, experiment),
            run_name=run_name or release.name,
            nested=mlflow.active_run() is not None,
            tags={"release": release.id, "digest": release.digest, **tags},
        )
        with run:
            mlflow.log_params(_params(release))
            _log_data(mlflow, release)
            mlflow.log_metrics(_figures(release))
            mlflow.log_artifact(str(folder / "CARD.md"))
            if pictures is not None:
                mlflow.log_artifacts(str(pictures), "report")
            model = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(_MODEL),
                artifacts={"release": str(folder)},
                signature=_signature(mlflow),
                input_example=_example(),
                pip_requirements=[f"{package}=={version(package)}" for package in _PACKAGES],
                metadata={"release": release.id},
            )
            if register:
                entry = mlflow.register_model(model.model_uri, register, tags={"release": release.id})
                if alias:
                    mlflow.MlflowClient().set_registered_model_alias(register, alias, entry.version)
        return str(run.info.run_id)


@contextmanager
def _store(where: str) -> Iterator[Any]:
    """MLflow at the user's store or, for the time being, the folder's own; what it refuses becomes our error."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="mlflow")  # it warns of its own type hints
        import mlflow.pyfunc
        from mlflow.exceptions import MlflowException

    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.WARNING)
    ours = not mlflow.is_tracking_uri_set()
    if ours:
        mlflow.set_tracking_uri(f"sqlite:///{Path('mlflow.db').resolve()}")
    try:
        yield mlflow
    except MlflowException as error:
        kind = ReleaseError if where.startswith(SCHEME) else InputError
        what = " ".join(error.message.split())
        raise kind(f"MLflow refuses: {what}", where=where, todo="see docs/mlflow.md") from error
    finally:
        logger.setLevel(level)
        if ours:
            mlflow.set_tracking_uri(None)


def _experiment(mlflow: Any, name: str) -> str:
    found = mlflow.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    local = mlflow.get_tracking_uri().startswith("sqlite:")
    return str(mlflow.create_experiment(name, Path("mlruns").resolve().as_uri() if local else None))


def _params(release: Release) -> dict[str, Any]:
    params: dict[str, Any] = {key: json.dumps(value) for key, value in release.settings.items()}
    params |= {"features": len(release.arrays["rows"]), "release": release.id}
    params |= {key: release.record[key] for key in ("rows", "judged") if key in release.record}
    params |= {f"library.{name}": number for name, number in release.record.get("libraries", {}).items()}
    for label, row in zip(LABELS, release.policy.thresholds.tolist(), strict=True):
        for action, threshold in zip(ACTIONS[1:], row, strict=True):
            params[f"threshold.{label}.{action.value}"] = "not offered" if math.isnan(threshold) else threshold
    return params


def _log_data(mlflow: Any, release: Release) -> None:
    """The data as MLflow's datasets, by name, digest and licence; never the data."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.http_dataset_source import HTTPDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    sources = list(release.record.get("sources", []))
    mlflow.log_dict(sources, "sources.json")
    for source in sources:
        name = source.get("corpus") or source["file"]
        place = HTTPDatasetSource(source["homepage"]) if "homepage" in source else CodeDatasetSource({"file": name})
        # A file is known by its own digest; a corpus by that of its entry in the record (the registry pins its files).
        digest = source.get("sha256") or hashlib.sha256(json.dumps(source, sort_keys=True).encode()).hexdigest()
        tags = {"licence": source.get("licence", "ours, Apache-2.0"), "rows": str(source.get("rows", ""))}
        mlflow.log_input(MetaDataset(place, name=name, digest=digest[:36]), context="training", tags=tags)


def _figures(release: Release) -> dict[str, float]:
    """Every number of the record's metrics under a name MLflow takes: ``our messages/dev/spam/flag/recall``."""
    figures = {}
    for part, metrics in release.record.get("metrics", {}).items():
        place = part.replace(", ", "/")
        if metrics.get("macro") is not None:
            figures[f"{place}/average_precision"] = metrics["macro"]
        for label, entry in metrics["labels"].items():
            flat = {key: value for key, value in entry.items() if isinstance(value, int | float)}
            if entry.get("interval"):
                flat["average_precision_low"], flat["average_precision_high"] = entry["interval"]
            for action, values in entry.get("actions", {}).items():
                flat |= {f"{action}/{key}": value for key, value in values.items() if value is not None}
            figures |= {f"{place}/{label}/{key}": float(value) for key, value in flat.items()}
    return figures


def _signature(mlflow: Any) -> Any:
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    inputs = [ColSpec("string", "text"), ColSpec("string", "surface", required=False)]
    outputs = [ColSpec("float", label) for label in LABELS]
    outputs += [ColSpec("string", "recommendation"), ColSpec("string", "reasons")]
    outputs += [ColSpec("boolean", "known"), ColSpec("string", "release")]
    params = ParamSchema([ParamSpec("surface", "string", "")])
    return mlflow.models.ModelSignature(Schema(inputs), Schema(outputs), params)


def _example() -> Any:
    import pandas as pd

    return pd.DataFrame(_EXAMPLE)
