"""Which context suits a function: `advise` runs a sample and says it; `study.py` is the start."""

from interlock.advice.measure.probe import SampleFailed
from interlock.advice.result import Advice
from interlock.advice.study import CONTEXTS, advise

__all__ = ["CONTEXTS", "Advice", "SampleFailed", "advise"]
