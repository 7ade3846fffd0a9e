"""Sites that free-space hops open: what a bound leaves out of the stations and counts with the lines."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from planner.design.ledger import PriceTable
from planner.network import Floats, Network
from planner.scenario import Scenario


def hop_sites(network: Network, scenario: Scenario) -> frozenset[str]:
    """Return the sites at the ends of hops where no demand ends."""
    ends = {site for demand in scenario.demands for site in (demand.a, demand.b)}
    return frozenset({site for hop in network.hops for site in (hop.a, hop.b)} - ends)


def opening_shares(network: Network, prices: PriceTable, likely: NDArray[np.bool_] | None = None) -> Floats:
    """Return (phases, spans): what a hop adds for the sites that it opens.

    The price of a site is shared by its hops, so that they do not pay it twice: by those that are `likely` in use if
    there are any, else by all.
    """
    shares = np.zeros((len(prices.phases), len(network.spans)))
    index = network.span_index() if network.hops else {}
    hops = [(index[hop.id], (hop.a, hop.b)) for hop in network.hops if hop.id in index]
    chosen = hops if likely is None else [(span, sites) for span, sites in hops if likely[span]]
    of_all, of_chosen = (Counter(site for _, sites in some for site in sites) for some in (hops, chosen))
    opened = hop_sites(network, prices.scenario)
    for span, sites in hops:
        for site in sorted(opened & set(sites)):
            is_payer = not of_chosen[site] or likely is None or likely[span]
            shares[:, span] += np.minimum.accumulate(prices.site[site]) * is_payer / (of_chosen[site] or of_all[site])
    return shares
