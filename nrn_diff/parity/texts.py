"""What the rows share: tests that stand behind many of them, and beginnings of NMODL texts."""

from __future__ import annotations

RUN = ("test_translator_neuron.py::test_every_property_agrees_with_neuron_to_rounding",)
VALUES = ("test_emit_neuron.py::test_every_function_and_construct_has_neurons_value",)
CNEXP = (*RUN, "test_translator_cnexp.py::test_the_step_solves_the_equation_exactly")
NEWTON = (*RUN, "test_runtime_implicit.py::test_derivimplicit_takes_neurons_steps")
LOOKUP = ("test_emit_neuron.py::test_tables_have_neurons_values", *RUN)
DEMO = ("test_same_traces.py::test_shipped_model",)
SPIKES = ("test_spikes_against_neuron.py::test_network_equals_neuron",)
EVENT_NETWORK = ("test_event_network.py::test_a_network_of_real_and_artificial_cells_equals_neuron",)
LOOPED = ("test_event_network.py::test_loops_over_netcons_that_send_and_tables_of_cells_are_neurons",)
SELF_EVENTS = ("test_self_events.py::test_self_events_and_net_move",)
WATCHES = ("test_self_events.py::test_watch",)
LOOPS = ("test_parity_neuron.py::test_cells_with_loops_send_as_in_neuron",)
STEP = ("test_parity_neuron.py::test_clamps_synapses_and_orders_of_the_step",)
CELLS = ("test_events_artificial.py::test_networks_of_artificial_cells_are_neurons",)
CELL_POINTERS = ("test_cell_pointers.py::test_cells_that_set_variables_of_others_are_neurons",)
USERS_CELL = ("test_events_artificial.py::test_a_cell_from_a_users_mod_sends_as_in_neuron",)
DIFFUSION = ("test_diffusion.py::test_states_diffuse_as_in_neuron",)
ORDER = ("test_order_of_currents.py::test_same_as_neuron",)
REPEATED = (
    "test_driven_mods.py::test_same_as_neuron",
    "test_runtime_loop.py::test_both_modes_of_differentiation",
)
IN_ORDER = "test_runtime_in_order.py::test_both_modes_agree_with_differences"
MOVED = "test_discrete.py::test_several_mechanisms_move_the_time_on_as_in_neuron"
DRIVEN = ("test_driven_mods.py::test_same_as_neuron",)
UNIFORM = "test_translator_effects.py::test_a_shared_value_that_initial_makes_the_same_everywhere_is_carried"
LEFT_OUT = "test_translator_refusals.py::test_what_the_simulation_never_reaches_is_dropped_with_a_note"

DENSITY = "NEURON { SUFFIX x RANGE a }\nASSIGNED { v a b arr[3] }\nSTATE { m n }\nPARAMETER { p = 1 }\n"
CURRENT = (
    "NEURON { SUFFIX x NONSPECIFIC_CURRENT i RANGE a }\nASSIGNED { v i a b }\nSTATE { m n }\nPARAMETER { p = 1 }\n"
)
POINT = "NEURON { POINT_PROCESS x RANGE a NONSPECIFIC_CURRENT i }\nASSIGNED { v a i }\nBREAKPOINT { i = v }\n"
ARTIFICIAL = "NEURON { ARTIFICIAL_CELL x }\nASSIGNED { a }\n"
INITIAL = DENSITY + "INITIAL { %s }\n"
SOLVED = DENSITY + "BREAKPOINT { SOLVE s METHOD %s }\nDERIVATIVE s { %s }\n"
KINETIC = DENSITY + "BREAKPOINT { SOLVE s METHOD sparse }\nKINETIC s { %s }\n"
CALLED = DENSITY + "INITIAL { f(1) }\n%s\n"
ION = "NEURON { SUFFIX x USEION ca %s RANGE a }\nASSIGNED { v a eca cai cao ica }\n%s\n"
GLOBAL = "NEURON { SUFFIX x GLOBAL g RANGE a }\nASSIGNED { v a g celsius }\nSTATE { m }\n"
ADVANCE = "BREAKPOINT { SOLVE s METHOD cnexp }\nDERIVATIVE s { %s }\n"
