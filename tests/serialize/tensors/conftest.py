"""torch's own tests need torch, which is large: `make tensors` installs it and runs them."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("INTERLOCK_TENSORS") else ["test_torch.py"]
