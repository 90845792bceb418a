"""Attention layers, and modules that take the place of others. They need torch (``yamlinject[torch]``)."""

from __future__ import annotations

from importlib import import_module

from yamlinject.nn.bifpn_concat import BiFPN_Concat
from yamlinject.nn.bra import BRA
from yamlinject.nn.carafe import CARAFE
from yamlinject.nn.cbam import CBAM
from yamlinject.nn.coordatt import CoordAtt
from yamlinject.nn.dysample import DySample
from yamlinject.nn.eca import ECA
from yamlinject.nn.ema import EMA
from yamlinject.nn.gam import GAM
from yamlinject.nn.se import SE
from yamlinject.nn.shuffleattention import ShuffleAttention
from yamlinject.nn.simam import SimAM
from yamlinject.nn.sk import SK
from yamlinject.nn.tripletattention import TripletAttention

__all__ = [
    "BRA",
    "CARAFE",
    "CBAM",
    "ECA",
    "EMA",
    "GAM",
    "SE",
    "SK",
    "BiFPN_Concat",
    "CoordAtt",
    "DySample",
    "ShuffleAttention",
    "SimAM",
    "TripletAttention",
]

# A checkpoint with these classes imports them; so a framework that resumes from it can build them too.
import_module("yamlinject.frameworks.parse_model").install()
