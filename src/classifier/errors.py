"""What can go wrong, as one tree. The command line answers each with one sentence and exit code 2.

    ClassifierError
    ├── InputError          something the caller gave is wrong
    │   ├── MessagesError   an export cannot be read or a result cannot be written
    │   ├── ExamplesError   labelled messages are malformed
    │   ├── CorpusError     a corpus is unknown, missing, or not what the registry says
    │   ├── PolicyError     a policy file is malformed or cannot be met
    │   └── ReleaseError    a release is missing, damaged, tampered with or of another version
    └── TrainingError       the examples do not allow a model to be fitted

Every error says what is wrong, where, and what to do about it:

>>> raise ExamplesError("'harassment' holds 'yes'", where="mine.csv, row 7", todo="use 1, 0 or leave it empty")
Traceback (most recent call last):
...
classifier.errors.ExamplesError: mine.csv, row 7: 'harassment' holds 'yes'; use 1, 0 or leave it empty
"""

from __future__ import annotations


class ClassifierError(Exception):
    """Base of all errors this package raises on purpose.

    Parameters
    ----------
    what : str
        What is wrong, in one clause.
    where : str
        File, row, column or label concerned, as far as known.
    todo : str
        What the caller can do about it.
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        self.what, self.where, self.todo = what, where, todo
        super().__init__(f"{f'{where}: ' if where else ''}{what}{f'; {todo}' if todo else ''}")


class InputError(ClassifierError):
    """Something the caller gave is wrong."""


class MessagesError(InputError):
    """An export cannot be read, or a result cannot be written."""


class ExamplesError(InputError):
    """Labelled messages are malformed."""


class CorpusError(InputError):
    """A corpus is unknown, missing, or not what the registry says."""


class PolicyError(InputError):
    """A policy is malformed or cannot be met."""


class ReleaseError(InputError):
    """A release is missing, damaged, tampered with or of another version."""


class TrainingError(ClassifierError):
    """The examples do not allow a model to be fitted."""
