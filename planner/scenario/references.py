"""Cross-checks of a scenario: does every name that it uses exist, and do its parts fit together.

The checks read the raw document, so that they find their mistakes even where other parts of the file are wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from planner.catalog import (
    NEEDED_DEVICES,
    CostCatalog,
    HardwareCatalog,
    LinkHardware,
    PriceStep,
    check_price_steps,
    wavelengths_fit,
)
from planner.errors import Problem
from planner.yamlio import Document, KeyPath, nearest

TRENCH_ITEMS = ("trench", "right-of-way-permit", "cable-pull", "duct-rental", "dark-fiber-lease", "free-space-terminal")
"""Cost items that every network needs, whatever its technologies."""


def reference_problems(
    document: Document, hardware: HardwareCatalog | None, costs: CostCatalog | None, layer_site_ids: tuple[str, ...]
) -> list[Problem]:
    """Return every broken reference and contradiction of a scenario file.

    A catalog that is None could not be read: references into it are not judged.
    """
    checker = _Checker(document)
    checker.check_ids(layer_site_ids)
    checker.check_sites_and_phases(layer_site_ids)
    checker.check_parts(layer_site_ids, costs)
    if hardware is not None:
        checker.check_hardware(hardware)
    if costs is not None:
        checker.check_prices(costs)
    return checker.problems


class _Checker:
    """Walks the raw document and collects problems."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def items(self, *keys: str) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
        """Yield key path and contents of every mapping in the list at `keys`."""
        value: Any = self.document.value
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        for index, item in enumerate(value if isinstance(value, list) else []):
            if isinstance(item, dict):
                yield (*keys, index), item

    def ids(self, key: str) -> list[str]:
        return [str(item["id"]) for _, item in self.items(key) if "id" in item]

    def expect(self, key_path: KeyPath, value: Any, known: Iterable[str], what: str) -> None:
        """Note a problem when a text value is none of the known names."""
        names = list(known)
        if isinstance(value, str) and value not in names:
            self.problems.append(self.document.problem(key_path, f"unknown {what} '{value}'{nearest(value, names)}"))

    def check_ids(self, layer_site_ids: tuple[str, ...]) -> None:
        for key, elsewhere in (
            ("sites", layer_site_ids),
            ("demands", ()),
            ("groups", ()),
            ("technologies", ()),
            ("phases", ()),
            ("free_space", ()),
            ("candidate_sites", ()),
        ):
            seen = set(elsewhere)
            for key_path, item in self.items(key):
                name = str(item.get("id"))
                if name in seen:
                    self.problems.append(self.document.problem((*key_path, "id"), f"id '{name}' is used twice"))
                seen.add(name)
        for name in {name for name in layer_site_ids if layer_site_ids.count(name) > 1}:
            self.problems.append(self.document.problem(("layers", "sites"), f"site id '{name}' is used twice"))

    def check_sites_and_phases(self, layer_site_ids: tuple[str, ...]) -> None:
        sites = [*self.ids("sites"), *layer_site_ids]
        for kind in ("demands", "free_space"):
            for key_path, item in self.items(kind):
                for end in ("a", "b"):
                    self.expect((*key_path, end), item.get(end), sites, "site")
                if item.get("a") is not None and item.get("a") == item.get("b"):
                    self.problems.append(self.document.problem((*key_path, "b"), "both ends are the same site"))
        self._check_groups(sites)
        for key_path, item in (*self.items("demands"), *self.items("groups")):
            self.expect((*key_path, "from_phase"), item.get("from_phase"), self.ids("phases"), "phase")
        years: list[int] = []
        for key_path, item in self.items("phases"):
            names = item.get("technologies")
            for index, name in enumerate(names if isinstance(names, list) else []):
                self.expect((*key_path, "technologies", index), name, self.ids("technologies"), "technology")
            if isinstance(item.get("year"), int):
                if years and item["year"] <= years[-1]:
                    self.problems.append(self.document.problem((*key_path, "year"), "phases must be in order of years"))
                years.append(item["year"])
        self._check_horizon(years)
        self._check_search()
        self._check_rules()

    def _check_groups(self, sites: list[str]) -> None:
        """Note members of groups that are no sites or stand twice, and demands that bear the name of a ring's link."""
        demands = set(self.ids("demands"))
        for key_path, item in self.items("groups"):
            written = item.get("members")
            members = written if isinstance(written, list) else []
            for index, name in enumerate(members):
                self.expect((*key_path, "members", index), name, sites, "site")
                if name in members[:index]:
                    text = f"site '{name}' is a member already"
                    self.problems.append(self.document.problem((*key_path, "members", index), text))
            links = {f"{item.get('id')}.{number + 1}" for number in range(len(members))}
            for name in sorted(demands & links):
                text = f"demand '{name}' bears the name of a link of this ring"
                self.problems.append(self.document.problem((*key_path, "id"), text))

    def _check_rules(self) -> None:
        """Note rules of one thing twice, and rules without the layer that they are for."""
        value = self.document.value if isinstance(self.document.value, dict) else {}
        layers, rules = (value[key] if isinstance(value.get(key), dict) else {} for key in ("layers", "right_of_way"))
        for name, key, layer in (
            ("zones", "kind", ""),
            ("districts", "district", "districts"),
            ("crossings", "kind", "barriers"),
        ):
            seen: set[str] = set()
            for key_path, item in self.items("right_of_way", name):
                if str(item.get(key)) in seen:
                    self.problems.append(
                        self.document.problem((*key_path, key), f"'{item.get(key)}' has a rule already")
                    )
                seen.add(str(item.get(key)))
            if seen and layer and not layers.get(layer):
                text = f"these rules need layers.{layer}"
                self.problems.append(self.document.problem(("right_of_way", name), text))
        if rules.get("roadworks") is not None and not layers.get("works"):
            self.problems.append(self.document.problem(("right_of_way", "roadworks"), "this rule needs layers.works"))

    def _check_search(self) -> None:
        value = self.document.value if isinstance(self.document.value, dict) else {}
        layers = value.get("layers")
        if value.get("free_space_search") is not None and isinstance(layers, dict) and not layers.get("buildings"):
            text = "lines of sight are looked for between buildings: give layers.buildings"
            self.problems.append(self.document.problem(("free_space_search",), text))

    def _check_horizon(self, years: list[int]) -> None:
        economics = self.document.value.get("economics") if isinstance(self.document.value, dict) else None
        horizon = economics.get("horizon_years") if isinstance(economics, dict) else None
        if years and isinstance(horizon, int) and years[-1] - years[0] >= horizon:
            text = f"the last phase starts {years[-1] - years[0]} years after the first, beyond the horizon"
            self.problems.append(self.document.problem(("economics", "horizon_years"), text))

    def check_parts(self, layer_site_ids: tuple[str, ...], costs: CostCatalog | None) -> None:
        """Note what the parts that are settled beforehand name and what does not exist."""
        sites = [*self.ids("sites"), *layer_site_ids]
        for key_path, item in (entry for kind in ("as_built", "force", "forbid") for entry in self.items(kind)):
            named, owned = item.get("sites"), item.get("items")
            for index, name in enumerate(named if isinstance(named, list) else []):
                self.expect((*key_path, "sites", index), name, sites, "site")
            self.expect((*key_path, "phase"), item.get("phase"), self.ids("phases"), "phase")
            if owned and not named:
                self.problems.append(self.document.problem((*key_path, "items"), "say at which sites"))
            for name in owned if isinstance(owned, dict) and costs is not None else ():
                self.expect((*key_path, "items", name), name, costs.items if costs else (), "cost item")

    def check_hardware(self, hardware: HardwareCatalog) -> None:
        for key_path, item in self.items("technologies"):
            for field, names in self._catalogs(hardware).items():
                self.expect((*key_path, field), item.get(field), names, field.replace("_", " "))
            self._check_devices(key_path, item, hardware)
        for key_path, item in self.items("free_space"):
            self.expect((*key_path, "terminal"), item.get("terminal"), hardware.free_space_terminals, "terminal")
            self._check_terminal(key_path, item, hardware)
        value = self.document.value if isinstance(self.document.value, dict) else {}
        self.expect(("fiber",), value.get("fiber"), hardware.fibers, "fiber")
        self.expect(("climate",), value.get("climate"), hardware.climates, "climate")
        if hardware.reliability is None:
            for key_path, item in self.items("demands"):
                if item.get("min_availability") is not None:
                    text = "the hardware catalog has no figures of reliability to judge it by"
                    self.problems.append(self.document.problem((*key_path, "min_availability"), text))
        search = value.get("free_space_search")
        if isinstance(search, dict):
            key_path = ("free_space_search", "terminal")
            self.expect(key_path, search.get("terminal"), hardware.free_space_terminals, "terminal")

    def _check_terminal(self, key_path: KeyPath, item: dict[str, Any], hardware: HardwareCatalog) -> None:
        """Note a free-space terminal whose light does not go on in the scenario's fiber."""
        terminal = hardware.free_space_terminals.get(str(item.get("terminal")))
        fiber = hardware.fibers.get(str(self.document.value.get("fiber")))
        if terminal and fiber and not wavelengths_fit(terminal.wavelength_nm, fiber.wavelength_nm):
            text = f"a terminal for {terminal.wavelength_nm:g} nm does not fit fiber at {fiber.wavelength_nm:g} nm"
            self.problems.append(self.document.problem((*key_path, "terminal"), text))

    def _check_devices(self, key_path: KeyPath, item: dict[str, Any], hardware: HardwareCatalog) -> None:
        """Note devices that a kind of link lacks or cannot have, and parts that do not connect to each other."""
        model = item.get("link_model")
        needed = next((devices for name, devices in NEEDED_DEVICES.items() if name == model), None)
        if needed is None:
            return
        before = len(self.problems)
        for device, is_needed in zip(("pair_source", "memory"), needed, strict=True):
            if is_needed and item.get(device) is None:
                self.problems.append(self.document.problem(key_path, f"a {model} link needs a {device}"))
            if not is_needed and item.get(device) is not None:
                text = f"a {model} link has no {device}"
                self.problems.append(self.document.problem((*key_path, device), text))
        channel = hardware.channels.get(str(item.get("channel")))
        if channel is not None and channel.medium == "fiber" and item.get("fibers_per_route", 2) < 2:
            text = "a classical channel in a fiber of its own needs at least 2 fibers per route"
            self.problems.append(self.document.problem((*key_path, "fibers_per_route"), text))
        if len(self.problems) == before:
            self._check_fit(key_path, item, hardware)

    def _check_fit(self, key_path: KeyPath, item: dict[str, Any], hardware: HardwareCatalog) -> None:
        """Note why the parts of a technology do not connect: wavelength, encoding, protocol."""
        fiber = hardware.fibers.get(str(self.document.value.get("fiber")))
        parts: dict[str, Any] = {"fiber": fiber}
        for field, entries in self._catalogs(hardware).items():
            if item.get(field) is not None:
                parts[field] = entries.get(str(item[field]))
        if any(part is None for part in parts.values()) or not {"termination", "detector"} <= set(parts):
            return  # unknown names are noted elsewhere
        try:
            LinkHardware(link_model=item["link_model"], **parts)
        except ValueError as error:
            self.problems.append(self.document.problem(key_path, f"its parts do not connect: {error}"))

    def _catalogs(self, hardware: HardwareCatalog) -> dict[str, Mapping[str, Any]]:
        return {
            "termination": hardware.terminations,
            "detector": hardware.detectors,
            "pair_source": hardware.pair_sources,
            "memory": hardware.memories,
            "converter": hardware.converters,
            "channel": hardware.channels,
        }

    def check_prices(self, costs: CostCatalog) -> None:
        value = self.document.value if isinstance(self.document.value, dict) else {}
        for name in [name for name in TRENCH_ITEMS if name not in costs.items]:
            self.problems.append(self.document.problem(("catalogs", "costs"), f"price list lacks item '{name}'"))
        prices = value.get("prices")
        for name in prices if isinstance(prices, dict) else ():
            self.expect(("prices", name), name, costs.items, "cost item")
        self._check_steps(costs, prices if isinstance(prices, dict) else {})
        self._check_fittings(costs)
        for key_path, item in self.items("technologies"):
            equipment = item.get("equipment")
            for role in equipment if isinstance(equipment, dict) else ():
                for need_path, need in self._needs(key_path, equipment, role):
                    self.expect((*need_path, "item"), need.get("item"), costs.items, "cost item")
        right_of_way = value.get("right_of_way")
        if isinstance(right_of_way, dict):
            density = right_of_way.get("density")
            self.expect(("right_of_way", "density"), density, costs.densities, "density")
            classes = right_of_way.get("forbidden_road_classes")
            for index, name in enumerate(classes if isinstance(classes, list) else []):
                key_path = ("right_of_way", "forbidden_road_classes", index)
                self.expect(key_path, name, costs.road_classes, "road class")
        for key_path, item in self.items("right_of_way", "districts"):
            self.expect((*key_path, "density"), item.get("density"), costs.densities, "density")
        for key_path, item in self.items("right_of_way", "crossings"):
            self.expect((*key_path, "item"), item.get("item"), costs.items, "cost item")
        self._check_exchange(value, costs)

    def _check_steps(self, costs: CostCatalog, prices: dict[Any, Any]) -> None:
        """Note steps of local prices that do not rise and fall, or that are for anything but equipment of stations."""
        used: set[Any] = set()
        for key_path, item in self.items("technologies"):
            equipment = item.get("equipment")
            for role in equipment if isinstance(equipment, dict) else ():
                used |= {need.get("item") for _, need in self._needs(key_path, equipment, role)}
        for name, override in prices.items():
            written = override.get("price_steps") if isinstance(override, dict) else None
            if not written or name not in costs.items:
                continue
            key_path = ("prices", name, "price_steps")
            if name not in used:
                text = f"steps are for equipment of stations; no technology uses {name}"
                self.problems.append(self.document.problem(key_path, text))
            try:
                check_price_steps(tuple(PriceStep.model_validate(step) for step in written), costs.items[name].unit)
            except ValidationError:
                pass  # noted with the scenario itself
            except ValueError as error:
                self.problems.append(self.document.problem(key_path, str(error)))

    def _check_fittings(self, costs: CostCatalog) -> None:
        for key_path, item in (*self.items("sites"), *self.items("candidate_sites")):
            shelter = item.get("shelter")
            self.expect((*key_path, "shelter"), shelter, costs.items, "cost item")
            if isinstance(shelter, str) and shelter in costs.items and costs.items[shelter].price_steps:
                text = f"the price list has price_steps for {shelter}, which are for equipment of stations alone"
                self.problems.append(self.document.problem((*key_path, "shelter"), text))
            limited = item.get("max_units")
            for name in limited if isinstance(limited, dict) else ():
                self.expect((*key_path, "max_units", name), name, costs.items, "cost item")
        for key_path, item in self.items("candidate_sites"):
            classes = item.get("road_classes")
            for index, name in enumerate(classes if isinstance(classes, list) else []):
                self.expect((*key_path, "road_classes", index), name, costs.road_classes, "road class")

    def _needs(self, key_path: KeyPath, equipment: Any, role: str) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
        needs = equipment.get(role)
        for index, need in enumerate(needs if isinstance(needs, list) else []):
            if isinstance(need, dict):
                yield (*key_path, "equipment", role, index), need

    def _check_exchange(self, value: dict[str, Any], costs: CostCatalog) -> None:
        money = (value.get("currency"), value.get("price_year"))
        if money == (costs.currency, costs.price_year) or None in money:
            return
        rates = [(item.get("currency"), item.get("price_year")) for _, item in self.items("exchange")]
        if (costs.currency, costs.price_year) not in rates:
            text = (
                f"prices are in {costs.currency} of {costs.price_year}, the scenario in {money[0]} of {money[1]}: "
                f"state the factor under exchange"
            )
            self.problems.append(self.document.problem(("exchange",), text))
