"""Availability: the share of the time in which fibers, devices, weather and whole services work."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from planner.physics.arguments import above, at_least, within
from planner.physics.freespace import attenuation_db_per_km
from planner.units import HOURS_PER_YEAR

MINUTES_PER_YEAR = 60.0 * HOURS_PER_YEAR
_VISIBILITY_RANGE_KM = (1e-3, 1e4)
_BISECTIONS = 60


def fiber_unavailability(length_km: float, cuts_per_1000_km_year: float, repair_h: float) -> float:
    """Return the share of the time in which a fiber is cut: cuts per year * repair time / hours per year.

    Valid while the result is far below one (rare cuts); raises ValueError for negative arguments or a result above 1.
    Metropolitan cable: 8.1 cuts per 1000 km and year, 12 h. Source: Bellcore and FCC outage statistics of the 1990s.

    >>> round(fiber_unavailability(14.0, 8.08, 12.0) * 1e4, 4)
    1.5496
    """
    at_least("length_km", length_km, 0.0)
    at_least("cuts_per_1000_km_year", cuts_per_1000_km_year, 0.0)
    down = cuts_per_1000_km_year / 1000.0 * length_km * at_least("repair_h", repair_h, 0.0) / HOURS_PER_YEAR
    return within("unavailability", down, 0.0, 1.0)


def equipment_availability(mean_time_between_failures_h: float, repair_h: float) -> float:
    """Return the share of the time in which a device works: MTBF / (MTBF + MTTR).

    Raises ValueError for a time between failures that is not positive, or a negative repair time.

    >>> round(equipment_availability(20_000.0, 48.0), 4)
    0.9976
    """
    above("mean_time_between_failures_h", mean_time_between_failures_h, 0.0)
    return mean_time_between_failures_h / (mean_time_between_failures_h + at_least("repair_h", repair_h, 0.0))


def series_availability(*availabilities: float) -> float:
    """Return the availability of independent parts that must all work: their product.

    Raises ValueError for an availability outside [0, 1].

    >>> round(series_availability(0.99, 0.98), 4)
    0.9702
    """
    return math.prod(within("availability", availability, 0.0, 1.0) for availability in availabilities)


def downtime_min_per_year(unavailability: float) -> float:
    """Return the minutes per year that a share of the time makes. Raises ValueError for a share outside [0, 1].

    >>> round(downtime_min_per_year(1e-4), 2)
    52.56
    """
    return within("unavailability", unavailability, 0.0, 1.0) * MINUTES_PER_YEAR


def service_unavailability(routes: Sequence[frozenset[str]], availability: Mapping[str, float]) -> float:
    """Return the probability that every route of a service is down, exactly, whatever the routes share.

    A route works if all its risk groups work; risk groups fail independently, with `availability` by id. The group
    shared by most routes is taken as working and as failed in turn, until the routes left share nothing; then their
    unavailabilities multiply. No route at all is always down; a route without risk groups never is. Raises ValueError
    for an availability outside [0, 1], KeyError for an unknown id. Source: factoring theorem of network reliability
    (Colbourn, The Combinatorics of Network Reliability, 1987).

    >>> up = {"north": 1 - 1.5496e-4, "south": 1 - 2.4351e-4}
    >>> f"{service_unavailability([frozenset({'north'}), frozenset({'south'})], up):.3e}"
    '3.773e-08'
    """
    for group in sorted(frozenset().union(*routes)):
        within("availability", availability[group], 0.0, 1.0)
    return _all_down(list(routes), availability)


def expected_rate_hz(
    routes: Sequence[frozenset[str]], rates_hz: Sequence[float], availability: Mapping[str, float]
) -> float:
    """Return the mean delivered rate of a service that always uses the fastest route that works.

    sum over routes, fastest first, of rate * (probability that it works and no faster one does). Exact; arguments as in
    `service_unavailability`, and one rate >= 0 per route; raises ValueError otherwise.

    >>> up = {"north": 0.9, "south": 0.8}
    >>> round(expected_rate_hz([frozenset({"north"}), frozenset({"south"})], [100.0, 50.0], up), 4)
    94.0
    """
    for rate_hz in rates_hz:
        at_least("rate_hz", rate_hz, 0.0)
    ranked = sorted(zip(rates_hz, routes, strict=True), key=lambda pair: -pair[0])
    down_before, total_hz = 1.0, 0.0
    for count, (rate_hz, _) in enumerate(ranked, 1):
        down = service_unavailability([route for _, route in ranked[:count]], availability)
        total_hz += rate_hz * (down_before - down)
        down_before = down
    return total_hz


def required_visibility_km(margin_db: float, length_km: float, wavelength_nm: float) -> float:
    """Return the lowest visibility in km at which the air of a free-space hop takes no more than `margin_db`.

    Solves attenuation(V) * length = margin by bisection; attenuation falls with visibility. Raises ValueError for a
    margin or length that is not positive, or if not even a visibility of 10,000 km is enough.
    Source: `freespace.attenuation_db_per_km`.

    >>> round(required_visibility_km(10.0, 1.0, 1550.0), 3)
    1.01
    """
    above("margin_db", margin_db, 0.0)
    above("length_km", length_km, 0.0)
    low, high = _VISIBILITY_RANGE_KM
    if attenuation_db_per_km(high, wavelength_nm) * length_km > margin_db:
        raise ValueError(f"no visibility keeps {length_km!r} km of air within {margin_db!r} dB")
    for _ in range(_BISECTIONS):
        middle = math.sqrt(low * high)
        enough = attenuation_db_per_km(middle, wavelength_nm) * length_km <= margin_db
        low, high = (low, middle) if enough else (middle, high)
    return high


def weather_availability(visibility_shares: Sequence[tuple[float, float]], required_km: Sequence[float]) -> float:
    """Return the share of the time in which every one of several free-space hops of a city has enough visibility.

    `visibility_shares` is a histogram: lower edge of each class in km, share of the time; a class counts only if its
    lower edge suffices. All hops see the same weather: P(V >= largest requirement), never the product. Raises
    ValueError for negative values, or shares that do not add up to 1.

    >>> weather_availability([(0.0, 0.007), (0.5, 0.008), (1.0, 0.985)], [0.7, 1.0])
    0.985
    """
    for edge_km, share in visibility_shares:
        at_least("edge_km", edge_km, 0.0)
        within("share", share, 0.0, 1.0)
    total = math.fsum(share for _, share in visibility_shares)
    if abs(total - 1.0) > 1e-6:
        raise ValueError(f"shares of the time must add up to 1, got {total!r}")
    worst_km = max((at_least("required_km", needed_km, 0.0) for needed_km in required_km), default=0.0)
    return math.fsum(share for edge_km, share in visibility_shares if edge_km >= worst_km)


def _all_down(routes: list[frozenset[str]], availability: Mapping[str, float]) -> float:
    if any(not route for route in routes):
        return 0.0
    shared = _most_shared(routes)
    if shared is None:
        return math.prod(_route_down(route, availability) for route in routes)
    works = availability[shared]
    if_up = _all_down([route - {shared} for route in routes], availability)
    if_down = _all_down([route for route in routes if shared not in route], availability)
    return works * if_up + (1.0 - works) * if_down


def _most_shared(routes: Sequence[frozenset[str]]) -> str | None:
    """Return the risk group in most routes, the first by name among equals, or None if no two routes share any."""
    counts: dict[str, int] = {}
    for route in routes:
        for group in route:
            counts[group] = counts.get(group, 0) + 1
    shared = [name for name, count in counts.items() if count > 1]
    return min(shared, key=lambda name: (-counts[name], name), default=None)


def _route_down(route: frozenset[str], availability: Mapping[str, float]) -> float:
    up = [availability[group] for group in sorted(route)]
    return 1.0 if 0.0 in up else -math.expm1(math.fsum(math.log(share) for share in up))
