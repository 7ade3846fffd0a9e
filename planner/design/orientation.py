"""A safe lower bound on the price of a network that serves one- and two-route demands, by phases.

The relaxation lets every part of the demands in force orient the network as it likes: x[uv] + x[vu] <= y[e] in [0, 1], one
unit of flow per commodity, y never falling from phase to phase. On street graphs its optimum is nearly always that of the
integer problem. Any multipliers of `flow <= x` give a bound by shortest paths, whatever the precision of the method
that finds them; only such bounds are returned, less what rounding could have added.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.design.blocks import connected_parts, incidence, two_route_parts
from planner.design.commodities import Commodities, Demand, build_commodities
from planner.design.lagrangian import edge_pressures, route_lengths, tree_distances
from planner.design.pdhg import Method, Streets

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CHECK_STEPS = 200
"""Steps between two evaluations of the bound."""
