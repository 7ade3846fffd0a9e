"""Joining spans that meet end to end, so that dashes and lines run on instead of restarting at every junction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from planner.network import Network

Chain = tuple[tuple[int, bool], ...]
"""Span indices in the order of a walk, each with whether it is walked from its start to its end."""


def chains(network: Network, indices: Iterable[int]) -> list[Chain]:
    """Return walks that hold every given span once; they end where the spans fork, stop or close a ring."""
    spans = network.spans
    ends = {index: (int(spans.start[index]), int(spans.end[index])) for index in indices}
    at_node: dict[int, list[int]] = defaultdict(list)
    for index, nodes in ends.items():
        for node in nodes:
            at_node[node].append(index)
    free = dict.fromkeys(ends)
    forks = [node for node, members in at_node.items() if len(members) != 2]
    starts = [(index, node) for node in forks for index in at_node[node]]
    starts += [(index, ends[index][0]) for index in ends]
    return [_walk(index, node, ends, at_node, free) for index, node in starts if index in free]


def _walk(
    index: int,
    node: int,
    ends: dict[int, tuple[int, int]],
    at_node: dict[int, list[int]],
    free: dict[int, None],
) -> Chain:
    """Return the walk that starts with a span at a node, and takes its spans out of `free`."""
    steps = []
    while index in free:
        del free[index]
        start, end = ends[index]
        forward = start == node
        steps.append((index, forward))
        node = end if forward else start
        onward = [other for other in at_node[node] if other in free]
        if len(at_node[node]) != 2 or not onward:
            break
        index = onward[0]
    return tuple(steps)
