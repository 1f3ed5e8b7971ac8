"""The talk's ladder: nine rungs, each with one thing more than the one before it, and running them.

The profile decides the sizes: ``talk`` is what the talk ran (11,000,000 events, batches of 8192, 25 epochs, 50 with
dropout); ``quick`` takes minutes on two CPU cores; ``lesson`` is what a notebook trains on, in seconds.
"""

from higgs_tutorial.files import versions, write_json
from higgs_tutorial.ladder.climb import fingerprint, load_events, run
from higgs_tutorial.ladder.folder import PictureWarning, RunFolder, require_folders
from higgs_tutorial.ladder.rungs import LADDER, Rung, select
from higgs_tutorial.ladder.settings import BATCH_SIZE, SCHEDULES, Listener, Output, Settings, nouns
from higgs_tutorial.recorded import RECORDED, recorded

__all__ = [
    "BATCH_SIZE",
    "LADDER",
    "RECORDED",
    "SCHEDULES",
    "Listener",
    "Output",
    "PictureWarning",
    "RunFolder",
    "Rung",
    "Settings",
    "fingerprint",
    "load_events",
    "nouns",
    "recorded",
    "require_folders",
    "run",
    "select",
    "versions",
    "write_json",
]
