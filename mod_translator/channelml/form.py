"""Gates in the two forms that ChannelML files have: since version 1.7.3, and before it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mod_translator.channelml.rates import QUANTITIES, Rate
from mod_translator.channelml.units import Units, plain
from mod_translator.neuroml.document import Element
from mod_translator.neuroml.names import identifier

_ROLES = {"transition": ("alpha", "beta"), "time_course": ("tau",), "steady_state": ("inf",)}
_FORMS = ("exponential", "sigmoid", "exp_linear", "generic")
_OLD_FORMS = {"exponential": "exponential", "sigmoid": "sigmoid", "linoid": "exp_linear"}


@dataclass(frozen=True)
class Gate:
    """One gate. rates: in the order of the file. fraction: what multiplies its state.

    scheme: it has more than two states, and is read from its element.
    """

    name: str
    state: str
    instances: float
    element: Element
    rates: tuple[Rate, ...] = ()
    scheme: bool = False
    fraction: float = 1.0


@dataclass(frozen=True)
class Form:
    """A channel, whichever way it is written. q10: elements q10_settings; offset: what rates are shifted by, in mV.

    permeant: the ion, '' for a current that is not of an ion; reads_erev: False for a reversal potential of its own.
    sensed: the elements conc_dependence; factors: the elements conc_factor.
    """

    gmax: float
    erev: float
    permeant: str
    charge: float | None
    reads_erev: bool
    gates: tuple[Gate, ...]
    q10: tuple[Element, ...] = ()
    offset: float = 0.0
    sensed: tuple[Element, ...] = ()
    factors: tuple[Element, ...] = field(default=())


def read(channel: Element, root: Element, units: Units) -> Form:
    """The channel of a channel_type. Raises UnsupportedConstruct."""
    relation = channel.one("current_voltage_relation")
    if any(relation.all("ohmic")):
        return _old(channel, relation, root, units)
    attributes = ("cond_law", "ion", "default_gmax", "default_erev", "charge", "fixed_erev")
    relation.only(attributes, ("conc_dependence", "conc_factor", "q10_settings", "offset", "gate"))
    channel.only(("name", "density"), ("status", "current_voltage_relation", "impl_prefs", "parameters"))
    if relation.get("cond_law") != "ohmic":
        raise relation.refuse("N352", f"cond_law={relation.get('cond_law')[:40]!r}", "only ohmic is supported")
    offsets = list(relation.all("offset"))
    for offset in offsets:
        offset.only(("value",))
    fixed = relation.attributes.get("fixed_erev", "no")
    if fixed not in ("yes", "no"):
        raise relation.refuse("N352", f"fixed_erev={fixed[:40]!r}", "yes or no")
    ion = identifier(relation, "ion")
    return Form(
        units.number(relation, "default_gmax", "conductance density"),
        units.number(relation, "default_erev", "voltage"),
        "" if ion == "non_specific" else ion,
        plain(relation, "charge") if "charge" in relation.attributes else None,
        fixed == "no",
        tuple(_gate(g, units) for g in relation.all("gate")),
        tuple(relation.all("q10_settings")),
        sum(units.number(o, "value", "voltage") for o in offsets),
        tuple(relation.all("conc_dependence")),
        tuple(relation.all("conc_factor")),
    )


def _gate(gate: Element, units: Units) -> Gate:
    gate.only(("name", "instances"), ("closed_state", "open_state", *_ROLES, "initialisation"))
    if any(gate.all("initialisation")):
        raise next(gate.all("initialisation")).refuse(
            "N353", "an initialisation of a gate, which ChannelML's mapping to NEURON leaves out", "remove it"
        )
    opened, closed = list(gate.all("open_state")), list(gate.all("closed_state"))
    for state in (*opened, *closed):
        state.only(("id",))
    name, instances = identifier(gate, "name"), plain(gate, "instances")
    if not opened or not closed:
        raise gate.refuse("N301", "a gate without a closed_state or an open_state", "add it")
    if len(closed) == 1 and len(opened) == 1:
        rates = tuple(_rate(e, units) for e in gate.all(*_ROLES))
        for rate in rates:
            _ends(rate, identifier(opened[0], "id"), identifier(closed[0], "id"))
        return Gate(name, identifier(opened[0], "id"), instances, gate, rates)
    if len(closed) == 1:
        raise opened[1].refuse("N353", "a gate with one closed and several open states", "use several gates")
    return Gate(name, "", instances, gate, scheme=True)


def _ends(rate: Rate, opened: str, closed: str) -> None:
    expected = (opened, closed) if rate.role == "beta" else (closed, opened)
    found = tuple(rate.element.attributes.get(end) for end in ("from", "to"))
    if found != expected:
        raise rate.element.refuse("N353", f"{rate.role} from {found[0]} to {found[1]}", f"{' to '.join(expected)}")


def _rate(element: Element, units: Units) -> Rate:
    role = element.get("name")
    if role not in _ROLES[element.tag]:
        raise element.refuse(
            "N353", f"a {element.tag} named {role[:40]!r}", f"name it {' or '.join(_ROLES[element.tag])}"
        )
    return rate(element, role, units)


def rate(element: Element, role: str, units: Units) -> Rate:
    """The expression that a transition, time_course or steady_state holds."""
    form = element.get("expr_form")
    if form not in _FORMS:
        raise element.refuse("N353", f"expr_form={form[:40]!r}", f"one of {', '.join(_FORMS)}")
    if form == "generic":
        element.only(("name", "from", "to", "expr_form", "expr"))
        return Rate(role, form, element)
    element.only(("name", "from", "to", "expr_form", "rate", "scale", "midpoint"))
    return _standard(element, role, form, units, "scale", "midpoint")


def _standard(element: Element, role: str, form: str, units: Units, scale: str, midpoint: str) -> Rate:
    value = Rate(
        role,
        form,
        element,
        units.number(element, "rate", QUANTITIES[role]),
        units.number(element, scale, "voltage"),
        units.number(element, midpoint, "voltage"),
    )
    if value.scale == 0:
        raise element.refuse("N320", "scale is zero", "write another number")
    return value


# ------------------------------------------------------------------------------------------------ before version 1.7.3


def _old(channel: Element, relation: Element, root: Element, units: Units) -> Form:
    channel.only(("name", "density"), ("status", "current_voltage_relation", "impl_prefs", "hh_gate"))
    relation.only((), ("ohmic",))
    ohmic = relation.one("ohmic")
    ohmic.only(("ion",), ("conductance",))
    conductance = ohmic.one("conductance")
    conductance.only(("default_gmax",), ("rate_adjustments", "gate"))
    name = identifier(ohmic, "ion")
    ions = [i for i in root.all("ion") if i.get("name") != name]
    if ions:
        raise ions[0].refuse(
            "N353", f"a channel that depends on a second ion, {ions[0].get('name')[:40]}", "version 1.8.1"
        )
    ion = next((i for i in root.all("ion") if i.get("name") == name), None)
    if ion is None:
        raise ohmic.refuse("N301", f"ohmic of {name}, and no element ion of that name", "add it")
    ion.only(("name", "charge", "default_erev", "role"))
    role = ion.attributes.get("role", "PermeatedSubstance")
    if role not in ("PermeatedSubstance", "PermeatedSubstanceFixedRevPot"):
        raise ion.refuse("N353", f"role={role[:40]!r} of the ion of a channel", "PermeatedSubstance")
    adjustments = [a for r in conductance.all("rate_adjustments") for a in r.children]
    for adjustment in adjustments:
        if adjustment.tag not in ("q10_settings", "offset"):
            raise adjustment.refuse("N303", f"the element {adjustment.tag}", "it is not supported: remove it")
    for offset in (a for a in adjustments if a.tag == "offset"):
        offset.only(("value",))
    return Form(
        units.number(conductance, "default_gmax", "conductance density"),
        units.number(ion, "default_erev", "voltage"),
        "" if name == "non_specific" else name,
        plain(ion, "charge"),
        role == "PermeatedSubstance",
        tuple(_old_gate(g, channel, units) for g in conductance.all("gate")),
        tuple(a for a in adjustments if a.tag == "q10_settings"),
        sum(units.number(a, "value", "voltage") for a in adjustments if a.tag == "offset"),
    )


def _old_gate(gate: Element, channel: Element, units: Units) -> Gate:
    gate.only(("power",), ("state",))
    gate.one("state").only(("name", "fraction"))
    name = identifier(gate.one("state"), "name")
    found = [g for g in channel.all("hh_gate") if g.get("state") == name]
    if len(found) != 1:
        raise gate.refuse("N301", f"{len(found)} elements hh_gate of the state {name}", "one is needed")
    found[0].only(("state",), ("transition",))
    transition = found[0].one("transition")
    transition.only((), ("voltage_gate",))
    voltage = transition.one("voltage_gate")
    voltage.only((), tuple(QUANTITIES))
    rates = tuple(_old_rate(part, units) for part in voltage.children)
    state = gate.one("state")
    fraction = plain(state, "fraction") if "fraction" in state.attributes else 1.0
    return Gate(name, name, plain(gate, "power"), gate, rates, fraction=fraction)


def _old_rate(part: Element, units: Units) -> Rate:
    part.only((), ("parameterised_hh", "generic_equation_hh", "generic"))
    if len(part.children) != 1:
        raise part.refuse("N301", f"{part.tag} with {len(part.children)} expressions", "write one")
    expression = part.children[0]
    if expression.tag != "parameterised_hh":
        expression.only(("expr",))
        return Rate(part.tag, "generic", expression)
    expression.only(("type", "expr"), ("parameter",))
    form = _OLD_FORMS.get(expression.get("type"), "")
    parameters = {p.get("name"): plain(p, "value") for p in expression.children}
    if not form or sorted(parameters) != ["A", "d", "k"] or parameters["k"] == 0:
        raise expression.refuse(
            "N353", "a parameterised_hh of another kind", f"{', '.join(_OLD_FORMS)} with A, k and d"
        )
    rate = parameters["A"] * units.factor(QUANTITIES[part.tag])
    scale = 1.0 / (parameters["k"] * units.factor("per voltage"))
    return Rate(part.tag, form, expression, rate, scale, parameters["d"] * units.factor("voltage"))
