"""What a training run leaves behind: one record an epoch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Epoch:
    """One epoch of training.

    Attributes:
        epoch: its number, from 1.
        loss: mean cross-entropy of the training events, in nats, each at the step that used it.
        valid_auc: ROC AUC on the validation set at the end of the epoch.
        seconds: wall-clock time of the training, without the evaluation.
    """

    epoch: int
    loss: float
    valid_auc: float
    seconds: float

    def __str__(self) -> str:
        return f"epoch {self.epoch:2d}: loss {self.loss:.3f}, validation AUC {self.valid_auc:.3f}"


@dataclass
class History:
    """The epochs of a run, in order.

    Example:
        >>> from higgs_tutorial import History
        >>> from higgs_tutorial.nn import Epoch
        >>> history = History([Epoch(1, 0.684, 0.643, 1.2), Epoch(2, 0.671, 0.661, 0.3)])
        >>> print(history.epochs[-1])
        epoch  2: loss 0.671, validation AUC 0.661
        >>> float(history.to_frame().valid_auc.max())
        0.661
        >>> History.from_json(history.to_json()) == history
        True
    """

    epochs: list[Epoch] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.epochs)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row an epoch, indexed by the epoch's number."""
        import pandas as pd  # takes a third of a second, and training needs no table

        names = [f.name for f in fields(Epoch)]
        return pd.DataFrame([asdict(e) for e in self.epochs], columns=names).set_index("epoch")

    def to_json(self) -> str:
        """Return the records as a JSON array of objects, numbers in full precision."""
        return json.dumps([asdict(e) for e in self.epochs], allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> History:
        """Read what `to_json` wrote.

        Raises:
            ValueError: if ``text`` is not that.
        """
        try:
            return cls([Epoch(**record) for record in json.loads(text)])
        except (TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"not the JSON of a History: {error}") from error
