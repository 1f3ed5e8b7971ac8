"""The file that UCI distributes: P. Baldi, P. Sadowski, D. Whiteson, HIGGS (2014), DOI 10.24432/C5V312."""

HIGGS_FILE = "HIGGS.csv.gz"
HIGGS_ROWS = 11_000_000
HIGGS_BYTES = 2_816_407_858
HIGGS_SHA256 = "ea302c18164d4e3d916a1e2e83a9a8d07069fa6ebc7771e4c0540d54e593b698"
HIGGS_URLS = (
    "https://archive.ics.uci.edu/ml/machine-learning-databases/00280/HIGGS.csv.gz",
    "https://archive.ics.uci.edu/static/public/280/higgs.zip",
    "http://mlphysics.ics.uci.edu/data/higgs/HIGGS.csv.gz",
)
