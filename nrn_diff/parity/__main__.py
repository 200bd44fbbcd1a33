"""Write docs/parity.md: `python -m nrn_diff.parity [FILE]`, from the folder of the project."""

import sys
from pathlib import Path

from nrn_diff.parity.page import page

target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/parity.md")
target.write_text(page(), encoding="utf-8")
print(target)
