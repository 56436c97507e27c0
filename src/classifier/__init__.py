"""Find messages that break community guidelines: calibrated confidences, recommendations and reasons.

>>> import classifier
>>> verdict = classifier.score("you are a disgusting idiot", surface="comment")
>>> print(verdict.recommendation, verdict.labels)
report ('harassment',)
"""

from classifier.guidelines import LABELS
from classifier.policy import Action, Policy
from classifier.scoring import Classifier, Reason, Span, Verdict, load, score

__all__ = ["LABELS", "Action", "Classifier", "Policy", "Reason", "Span", "Verdict", "load", "score"]
