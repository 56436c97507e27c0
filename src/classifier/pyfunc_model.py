"""The model as MLflow runs it: MLflow copies this file beside the release and executes it where the model is loaded.

It scores a column ``text`` (and, where there is one, ``surface``) through `Classifier`, as everything else does.
"""

import warnings
from typing import Any

import pandas as pd

from classifier.errors import MessagesError
from classifier.guidelines import LABELS
from classifier.policy import ACTIONS
from classifier.scoring import load

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", module="mlflow")  # it warns of its own type hints
    import mlflow
    from mlflow.pyfunc import PythonModel

__all__ = ["GuidelineModel"]


class GuidelineModel(PythonModel):
    """`Classifier` as a ``python_function`` model; its artifact ``release`` is the folder of a release."""

    def load_context(self, context: Any) -> None:
        """Load and verify the release."""
        self.classifier = load(context.artifacts["release"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        """One row for each message: confidences by label, recommendation, reasons as JSON, known, release.

        ``params["surface"]`` holds where the frame names no surface. Raises `MessagesError` naming the row.
        """
        missing = model_input["text"].isna().to_numpy()
        if missing.any():
            raise MessagesError("'text' is missing", where=f"row {int(missing.argmax()) + 1}", todo="leave the row out")
        default = (params or {}).get("surface") or None
        given = model_input["surface"] if "surface" in model_input else [None] * len(model_input)
        surfaces = [surface if isinstance(surface, str) and surface else default for surface in given]
        try:
            found = self.classifier.recommend(model_input["text"], surfaces)
        except (TypeError, ValueError) as error:
            raise MessagesError(str(error)) from error
        scored = pd.DataFrame(found.confidences, columns=list(LABELS), index=model_input.index)
        return scored.assign(
            recommendation=[ACTIONS[level].value for level in found.actions],
            reasons=found.reasons,
            known=found.known,
            release=self.classifier.release_id,
        )


mlflow.models.set_model(GuidelineModel())
