"""A binary heap in two arrays, for compiled searches: equal keys leave it in the order of their nodes."""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True)
def push(heap_key: Any, heap_node: Any, size: int, key: float, node: int) -> int:
    """Put an entry on a binary heap; ties are broken by node, so that the result is the same everywhere."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if heap_key[above] < key or (heap_key[above] == key and heap_node[above] <= node):
            break
        heap_key[at], heap_node[at] = heap_key[above], heap_node[above]
        at = above
    heap_key[at], heap_node[at] = key, node
    return size + 1


@njit(cache=True)
def pop(heap_key: Any, heap_node: Any, size: int) -> int:
    """Take the smallest entry off a binary heap (it is at index 0 before the call) and return the new size."""
    size -= 1
    key, node = heap_key[size], heap_node[size]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        right = below + 1
        if right < size and (
            heap_key[right] < heap_key[below]
            or (heap_key[right] == heap_key[below] and heap_node[right] < heap_node[below])
        ):
            below = right
        if key < heap_key[below] or (key == heap_key[below] and node <= heap_node[below]):
            break
        heap_key[at], heap_node[at] = heap_key[below], heap_node[below]
        at = below
    heap_key[at], heap_node[at] = key, node
    return size
