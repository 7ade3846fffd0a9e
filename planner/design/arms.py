"""Arms of candidate routes: what light between two neighbouring stations loses on its way, and which noise joins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from planner.catalog import LinkHardware
from planner.network import Network, NetworkSite
from planner.physics.coexistence import arriving_hz, span_raman_hz_per_nm
from planner.physics.fiber import transmittance
from planner.physics.freespace import hop_background_hz_per_nm
from planner.physics.links import LIGHT_WAYS
from planner.physics.performance import Arm, ElementaryLink
from planner.plan import Station
from planner.scenario import Scenario

Noise = tuple[float, float]
"""Photons per second and nm of filter that leave a span at its start, and at its end."""


class ArmReader:
    """Reads arms off a network: length, loss, and the noise of classical light and of the sky."""

    def __init__(self, network: Network, scenario: Scenario) -> None:
        """Prepare look-ups for one network and scenario."""
        self.network = network
        self.sites: dict[str, NetworkSite] = {site.id: site for site in network.sites}
        self._glass = scenario.hardware.fibers[scenario.spec.fiber]
        self.noise = _noisy_spans(network, scenario)

    @property
    def is_quiet(self) -> bool:
        """Return whether no span adds noise."""
        return not self.noise

    def links(
        self, spans: Sequence[int], nodes: Sequence[int], stations: Sequence[Station], hardware: LinkHardware
    ) -> tuple[ElementaryLink, ...]:
        """Return the elementary links of a walk over `spans`, which passes `nodes`, between its stations."""
        pairs = list(pairwise(stations))
        arms = [self._arm(spans, nodes, *pair) for pair in pairs]
        if self.noise:
            arms = self._with_noise(spans, nodes, pairs, arms, hardware)
        return tuple(ElementaryLink(left=arms[i], right=arms[i + 1]) for i in range(0, len(arms), 2))

    def _arm(self, spans: Sequence[int], nodes: Sequence[int], left: Station, right: Station) -> Arm:
        inside = spans[left.after_spans : right.after_spans]
        if not inside:
            return Arm(length_km=0.0, loss_db=0.0)
        columns, slack = self.network.spans, self._glass.slack
        ends = (self.sites[left.site], self.sites[right.site])
        joints = self.network.nodes.joint_loss_db
        loss_db = math.fsum(float(columns.loss_db[span]) for span in inside)
        loss_db += math.fsum(float(joints[node]) for node in nodes[left.after_spans + 1 : right.after_spans])
        length_km = math.fsum(
            float(columns.length_km[span]) * (1.0 if columns.medium[span] == "free_space" else slack) for span in inside
        )
        return Arm(
            length_km=length_km + slack * (ends[0].lateral_km + ends[1].lateral_km),
            loss_db=loss_db + ends[0].lateral_loss_db + ends[1].lateral_loss_db,
        )

    def _with_noise(
        self,
        spans: Sequence[int],
        nodes: Sequence[int],
        pairs: Sequence[tuple[Station, Station]],
        arms: Sequence[Arm],
        hardware: LinkHardware,
    ) -> list[Arm]:
        """Return the arms with the noise that arrives at their detectors."""
        end = hardware.termination
        seen = hardware.filter_nm * transmittance(end.connector_loss_db + end.device_loss_db)
        noisy: list[Arm] = []
        for number, ((left, right), arm) in enumerate(zip(pairs, arms, strict=True)):
            way = LIGHT_WAYS[hardware.link_model][number % 2]
            stretches = self._stretches(spans, nodes, left, right, backwards=way == "left")
            noisy.append(Arm(length_km=arm.length_km, loss_db=arm.loss_db, noise_hz=arriving_hz(stretches) * seen))
        return noisy

    def _stretches(
        self, spans: Sequence[int], nodes: Sequence[int], left: Station, right: Station, *, backwards: bool
    ) -> list[tuple[float, float]]:
        """Return loss and noise of what the light passes, in its order: laterals, spans, joints between them."""
        columns, joints = self.network.spans, self.network.nodes.joint_loss_db
        first, last = left.after_spans, right.after_spans
        if first == last:
            return []
        passed: list[tuple[float, float]] = [(self.sites[left.site].lateral_loss_db, 0.0)]
        for at in range(first, last):
            span = spans[at]
            is_forward = int(columns.start[span]) == nodes[at]
            at_start_hz, at_end_hz = self.noise.get(span, (0.0, 0.0))
            passed.append((float(columns.loss_db[span]), at_end_hz if is_forward != backwards else at_start_hz))
            if at + 1 < last:
                passed.append((float(joints[nodes[at + 1]]), 0.0))
        passed.append((self.sites[right.site].lateral_loss_db, 0.0))
        return passed[::-1] if backwards else passed


def _noisy_spans(network: Network, scenario: Scenario) -> dict[int, Noise]:
    """Return the noise of every span that has any: beside classical light, and under the sky."""
    spans, glass = network.spans, scenario.hardware.fibers[scenario.spec.fiber]
    found: dict[int, Noise] = {}
    lit = (spans.classical_forward_mw + spans.classical_backward_mw > 0.0).nonzero()[0]
    for span in lit.tolist():
        found[span] = span_raman_hz_per_nm(
            float(spans.length_km[span]) * glass.slack,
            float(spans.loss_db[span]),
            launches_mw=(float(spans.classical_forward_mw[span]), float(spans.classical_backward_mw[span])),
            classical_nm=float(spans.classical_nm[span]),
            fiber=glass,
        )
    index = network.span_index() if network.hops else {}
    for hop in network.hops:
        if hop.id in index:
            sky_hz = hop_background_hz_per_nm(scenario.hardware.free_space_terminals[hop.terminal], hop.sky)
            found[index[hop.id]] = (sky_hz, sky_hz)
    return found
