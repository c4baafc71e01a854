"""The stated reasons why a header of native/core/ has no text, or no test, of its own.

An entry whose header does not exist, or which has one after all, is a finding.
"""

from __future__ import annotations

# header's stem -> where it is explained instead
NO_PROTOCOL_TEXT: dict[str, str] = {}

# header's stem -> what tests it instead
NO_NATIVE_TEST: dict[str, str] = {}
