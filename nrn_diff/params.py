"""Parameters: which numbers of a model are free, and the arrays that hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff import show
from nrn_diff.errors import ParameterError
from nrn_diff.geometry import check_shape, path_distance
from nrn_diff.quantities import Quantity, find, segment_labels
from nrn_diff.section_names import common, stable
from nrn_diff.snapshot import NERNST_AT_START, NERNST_EACH_STEP, START_CONCENTRATION, Capture
from nrn_diff.solver.values import Array, Values


@dataclass(frozen=True)
class Param:
    """One free quantity.

    name: as in NEURON ('gnabar_hh', 'Ra', 'Exp2Syn.tau1'). where: sections or segments (objects, SectionLists or their
    names); None: wherever it exists. share: None, one number for each segment; 'section', one for each section; 'all',
    one for all; or a function of path distance (below). relative: the free number (or what the function returns)
    multiplies the model's own values, so that their profile along the dendrite is kept. bounds: (low, high) for fits,
    numbers or one for each element. label: key in the dict; by default the name, with what `where` and `relative` say
    (a plain dict {'Ra': x} always means Ra everywhere).

    A function (distance [k] (um), coefficients [n]) -> [k] of jax.numpy as `share` makes its coefficients the free
    numbers, as HOC code does with distance(). start: the coefficients to start from. origin: from where ('soma(0.5)' or
    a segment; None: the 0 end of the first section). The distances are NEURON's at the capture.
    """

    name: str
    where: Any = None
    share: str | Callable[[Array, Array], Array] | None = None
    relative: bool = False
    bounds: Any = None
    label: str = ""
    start: tuple[float, ...] | None = None
    origin: Any = None

    def __post_init__(self) -> None:
        if self.share not in (None, "section", "all") and not callable(self.share):
            raise ParameterError(f"share={self.share!r} of {self.name!r}: use None, 'section', 'all' or a function")
        if callable(self.share) != (self.start is not None):
            raise ParameterError(f"{self.name!r}: `start` (the coefficients) goes with a function as `share`")
        if self.bounds is not None:
            if not np.all(np.less(*self.bounds)):
                raise ParameterError(f"bounds {self.bounds} of {self.name!r}: the first must be below the second")
            object.__setattr__(self, "bounds", tuple(_hashable(side) for side in self.bounds))
        if self.start is not None:
            object.__setattr__(self, "start", tuple(float(x) for x in np.ravel(self.start)))
        object.__setattr__(self, "origin", None if self.origin is None else _name_of(self.origin))
        object.__setattr__(self, "where", None if self.where is None else _names_of(self.where))
        object.__setattr__(self, "label", self.label or self._described())

    def _described(self) -> str:
        places = self.where or ()
        shown = f" in {', '.join(places[:3])}" if places else ""
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        along = " along the path" if callable(self.share) else ""
        return f"{self.name}{along}{shown}{more}{' (relative)' if self.relative else ''}"


def _hashable(side: Any) -> Any:
    return float(side) if np.ndim(side) == 0 else tuple(float(x) for x in np.ravel(side))


def _names_of(where: Any) -> tuple[str, ...]:
    items = [where] if isinstance(where, str) or not isinstance(where, Iterable) else list(where)
    # A Section is iterable (over its segments), a segment too (over its mechanisms), but they stand for themselves.
    if (hasattr(where, "hname") and hasattr(where, "nseg")) or (hasattr(where, "sec") and hasattr(where, "x")):
        items = [where]
    return tuple(_name_of(item) for item in items)


def _name_of(place: Any) -> str:
    """What the model calls a section or segment: its name, unless others have the same or NEURON knows none."""
    section = getattr(place, "sec", place)
    if isinstance(place, str) or not hasattr(section, "nseg"):
        return str(place)
    from neuron import h

    sections = list(h.allsec())
    name = stable([s.name() for s in sections])[sections.index(section)]
    return name if place is section else f"{name}({place.x:g})"


class Parameters(dict[str, Array]):
    """label -> array of live values, a pytree; `specs` keeps what each label stands for.

    theta['Ra'] also finds the only parameter of that name whatever its label. An array of another shape is found by
    `Model.simulate`.
    """

    def __init__(self, arrays: Mapping[str, Array], specs: tuple[Param, ...]) -> None:
        super().__init__(arrays)
        self.specs = specs

    def __missing__(self, name: str) -> Array:
        labels = [spec.label for spec in self.specs if spec.name == name]
        if len(labels) != 1:
            raise KeyError(
                f"{name!r} is {'several parameters' if labels else 'no parameter'}; there are {', '.join(self)}"
            )
        return self[labels[0]]

    def _repr_html_(self) -> str:
        bounds = self.bounds()
        rows = [
            (k, show.values(x), " to ".join(f"{b:g}" for b in bounds[k]) if k in bounds else "")
            for k, x in self.items()
        ]
        return show.table(("parameter", "values", "bounds"), rows)

    def bounds(self) -> dict[str, Any]:
        """label -> (low, high) of the parameters that have bounds."""
        return {spec.label: spec.bounds for spec in self.specs if spec.bounds is not None}

    def replace(self, **arrays: Any) -> Parameters:
        """The same parameters with other values."""
        unknown = set(arrays) - set(self)
        if unknown:
            raise ParameterError(f"no such parameters: {', '.join(sorted(unknown))}; there are {', '.join(self)}")
        return Parameters({**self, **{k: jnp.asarray(v, jnp.float64) for k, v in arrays.items()}}, self.specs)


_Aux = tuple[tuple[str, ...], tuple[Param, ...]]


def _flatten(p: Parameters) -> tuple[tuple[tuple[Any, Any], ...], _Aux]:
    return tuple((jax.tree_util.DictKey(k), v) for k, v in p.items()), (tuple(p), p.specs)


def _unflatten(aux: _Aux, leaves: Iterable[Any]) -> Parameters:
    return Parameters(dict(zip(aux[0], leaves, strict=True)), aux[1])


jax.tree_util.register_pytree_with_keys(Parameters, _flatten, _unflatten)


@dataclass(frozen=True, eq=False)
class Assignment:
    """A Param found in a model. entries [k]: of the quantity (None: it is a scalar); group [k]: of the free array.

    distance [k] (um): of the entries from the origin, for a function of it.
    """

    spec: Param
    quantity: Quantity
    entries: np.ndarray | None
    group: np.ndarray
    shape: tuple[int, ...]
    distance: np.ndarray | None = None

    def start(self, values: Values) -> Array:
        """The live values, in the shape of the free array."""
        if self.spec.start is not None:
            return jnp.asarray(self.spec.start)
        own = self.quantity.read(values)
        if self.entries is None:
            return jnp.ones(()) if self.spec.relative else own
        if self.spec.relative:
            return jnp.ones(self.shape)
        own = np.asarray(own)[self.entries]
        first = np.zeros(int(np.prod(self.shape)), int)
        first[self.group[::-1]] = np.arange(len(self.group))[::-1]
        representative = own[first]
        if np.any(own != representative[self.group]):
            raise ParameterError(
                f"{self.spec.name!r} has different values where it is to be shared ({own.min():g} to {own.max():g}); "
                "share it by section, choose `where` so that they agree, or use relative=True to scale them together"
            )
        return jnp.asarray(representative.reshape(self.shape))

    def apply(self, values: Values, free: Any) -> Values:
        """`values` with the free array in place. Raises ParameterError for a wrong shape."""
        free = jnp.asarray(free)
        if free.shape != self.shape:
            raise ParameterError(f"{self.spec.label!r} must have shape {self.shape}, not {free.shape}")
        if self.entries is None:
            return self.quantity.write(values, None, free * self.quantity.read(values) if self.spec.relative else free)
        new = jnp.reshape(free, (-1,))[self.group] if self.distance is None else self._along(free)
        if self.spec.relative:
            new = new * self.quantity.read(values)[self.entries]
        return self.quantity.write(values, self.entries, new)

    def _along(self, free: Array) -> Array:
        assert callable(self.spec.share)
        assert self.distance is not None
        new = jnp.asarray(self.spec.share(jnp.asarray(self.distance), free))
        if new.shape != self.distance.shape:
            raise ParameterError(
                f"{self.spec.label!r}: the function returned shape {new.shape} for {self.distance.shape} distances"
            )
        return new


def resolve(capture: Capture, spec: Param) -> Assignment:
    """Find a Param in a model. Raises ParameterError for an unknown name or a `where` that selects nothing."""
    quantity = find(capture, spec.name)
    _check_own_init(capture, spec, quantity)
    if quantity.size == 0:
        if spec.where is not None or callable(spec.share):
            raise ParameterError(f"{spec.name!r} is one number for the whole model; it has no `where` and no distance")
        return Assignment(spec, quantity, None, np.zeros(0, int), ())
    entries = np.arange(quantity.size) if spec.where is None else _select(capture, quantity, spec)
    _check_effective(capture, spec, entries)
    sections = quantity.section[entries]
    if spec.name in ("L", "diam"):
        check_shape(capture, spec.name, np.unique(sections))
    if callable(spec.share):
        assert spec.start is not None
        by_owner = dict(zip(segment_labels(capture), path_distance(capture, spec.origin), strict=True))
        owners = [quantity.owner[k] for k in entries]
        if not all(owner in by_owner for owner in owners):
            raise ParameterError(f"{spec.name!r} does not belong to segments, so it has no path distance")
        distance = np.array([by_owner[owner] for owner in owners])
        if np.any(distance >= 1e20):
            raise ParameterError(f"{spec.label!r}: a segment is not connected to {spec.origin or 'the first section'}")
        return Assignment(spec, quantity, entries, np.zeros(0, int), (len(spec.start),), distance)
    if spec.share == "all":
        return Assignment(spec, quantity, entries, np.zeros(len(entries), int), ())
    if spec.share == "section":
        _, first, group = np.unique(sections, return_index=True, return_inverse=True)
        rank = np.argsort(np.argsort(first))
        return Assignment(spec, quantity, entries, rank[group], (len(first),))
    return Assignment(spec, quantity, entries, np.arange(len(entries)), (len(entries),))


def _check_own_init(capture: Capture, spec: Param, quantity: Quantity) -> None:
    """Refuse what the script's own init() sets in every run, in NEURON too: it would change nothing."""
    own = capture.own_init
    if own is None:
        return
    if spec.name in own.overwritten:
        raise ParameterError(
            f"init() of the script sets {spec.name} in every run, so that another value changes nothing; vary what it "
            "computes it from, or take the assignment out of init() and capture again"
        )
    if spec.name in own.fixed:
        raise ParameterError(
            f"init() of the script reads {spec.name}, and the number that it had at the capture is what runs take: "
            "set another one in NEURON and capture again"
        )
    if quantity.parts[0].path[0] in ("start", "start_v"):
        raise ParameterError(f"init() of the script decides what {spec.name} a run starts from; vary what it takes")
    if spec.name == "v_init" and not own.takes_v_init:
        raise ParameterError("init() of the script does not use v_init, so that another value changes nothing")


def _check_effective(capture: Capture, spec: Param, entries: np.ndarray) -> None:
    """Refuse ion variables that NEURON overwrites before it reads them: their gradient would be zero without a word."""
    for ion in capture.ions:
        if spec.name not in (f"e{ion.name}", f"{ion.name}i", f"{ion.name}o"):
            continue
        style = ion.style[entries]
        if spec.name == f"e{ion.name}" and np.any(style & (NERNST_AT_START | NERNST_EACH_STEP)):
            way = f"{ion.name}i0_{ion.name}_ion, {ion.name}o0_{ion.name}_ion or the concentrations"
            raise ParameterError(f"{spec.name} is computed from the concentrations here (ion_style); use {way}")
        if spec.name in (f"{ion.name}i", f"{ion.name}o") and np.any(style & START_CONCENTRATION):
            raise ParameterError(
                f"{spec.name} starts from the global {spec.name}0_{ion.name}_ion here (ion_style); use that name"
            )


def _select(capture: Capture, quantity: Quantity, spec: Param) -> np.ndarray:
    names = capture.cable.section_names
    known = set(names) | set(map(common, names)) | set(segment_labels(capture)) | set(quantity.owner)
    unknown = [name for name in spec.where if name not in known]
    if unknown:
        raise ParameterError(
            f"where={unknown[0]!r} of {spec.name!r} is no section, segment or point process of the model"
        )
    wanted = set(spec.where)
    inside = [bool({name, common(name)} & wanted) for name in names]
    hit = [
        k
        for k in range(quantity.size)
        if quantity.owner[k] in wanted or (quantity.section[k] >= 0 and inside[quantity.section[k]])
    ]
    if not hit:
        raise ParameterError(f"{spec.name!r} does not exist in {', '.join(sorted(wanted))}")
    return np.array(hit)
