"""What a NEURON process can hold, as the bridge and the solver take it."""

from __future__ import annotations

from nrn_diff.parity.rows import Feature, Status
from nrn_diff.parity.user_code import USER_CODE

_SAME, _REFUSED, _UNSEEN = Status.SAME, Status.REFUSED, Status.UNSEEN

_AT_ONCE = "test_bridge_process.py::test_everything_that_is_not_represented_is_refused_at_once_and_neuron_is_untouched"
_OTHERS = "test_parity_neuron.py::test_refused_of_a_process"
_ORDERS = "test_parity_neuron.py::test_clamps_synapses_and_orders_of_the_step"
_TREES = "test_bridge_cable.py::test_one_implicit_step_of_random_trees_is_neurons"
_RECORDS = "test_bridge_records.py::test_every_recorded_variable_is_found_and_neuron_is_untouched"
_NO_RECORDS = "test_bridge_records.py::test_recordings_that_cannot_be_reproduced_are_refused_by_the_name_of_the_vector"
_PLAY = "test_play.py::test_played_and_recorded_as_in_neuron"
_HIDDEN = "test_parity_neuron.py::test_random_numbers_that_are_played_are_neurons_and_callbacks_are_refused"
_NO_PLAY = "test_play.py::test_what_cannot_be_played_is_refused"
_NETCONS = "test_bridge_connections.py::test_netcons_and_trains_are_neurons"
_EVENT_NETWORK = "test_event_network.py::test_a_network_of_real_and_artificial_cells_equals_neuron"
_SOURCES = "test_bridge_connections.py::test_sources_that_cannot_be_followed_are_refused"
_NETWORK = "test_spikes_against_neuron.py::test_network_equals_neuron"
_NETSTIM = "test_events_artificial.py::test_netstim_times_are_neurons"
_CELLS = "test_events_artificial.py::test_networks_of_artificial_cells_are_neurons"
_ORDER = "test_spikes_against_neuron.py::test_spikes_of_one_step_in_neurons_order_or_refused"
_SELF_TIES = "test_self_events.py::test_self_events_at_one_time_come_in_neurons_order_or_are_refused"
_TIES = "test_events_schedule.py::test_events_at_boundaries_and_in_ties_reach_expsyn_as_in_neuron"
_VALUES = "test_bridge_cable.py::test_values_that_cannot_be_simulated_are_refused_with_their_place"
_CELL_POINTERS = "test_cell_pointers.py::test_cells_that_set_variables_of_others_are_neurons"
_LAYERS = "test_extracellular.py::test_layers_in_some_sections_are_neurons"
_ALL_LAYERS = "test_extracellular.py::test_layers_everywhere_and_nowhere_are_neurons"
_LAYER_NUMBERS = "test_extracellular.py::test_other_numbers_of_layers_are_neurons"
_LAYER_GRADIENTS = "test_extracellular.py::test_gradients_saving_and_write_back"
_NO_LAYERS = "test_extracellular.py::test_what_cannot_be_simulated_is_refused_with_its_place"
_HH = "test_same_traces.py::test_hh_tree"
_DEMO = "test_same_traces.py::test_shipped_model"
_LINKS = "test_links.py::test_pointers_lead_to_any_variable"
_TRANSFERS = "test_links.py::test_what_parallelcontext_transfers"
_NO_LINKS = "test_links.py::test_pointers_that_cannot_be_followed_are_refused"

CABLE = (
    Feature("sections of HOC, Python, templates and classes", _SAME, (_TREES, _DEMO)),
    Feature("branching anywhere along a section, sections attached by their 1 end", _SAME, (_TREES, _ORDERS)),
    Feature("Ra, cm, diam, nseg, L, 3-D points", _SAME, (_TREES,), "as the next finitialize will use them"),
    Feature(
        "L and diam as parameters; values that follow path distance",
        _SAME,
        ("test_parameters_against_neuron.py::test_shape_and_functions_of_distance",),
        "diam in sections without 3-D points",
    ),
    Feature(
        "start voltages and STATE variables as parameters",
        _SAME,
        ("test_parameters_against_neuron.py::test_start_values",),
    ),
    Feature(
        "sections that share a name, or have none",
        _SAME,
        ("test_bridge_records.py::test_sections_of_one_name_get_labels_of_their_own",),
        "called 'dend #1', 'unnamed #2'; where='dend' is all of them",
    ),
    Feature(
        "rallbranch",
        _SAME,
        (
            _TREES,
            "test_diffusion.py::test_states_diffuse_as_in_neuron",
            "test_extracellular.py::test_layers_in_some_sections_are_neurons",
        ),
        "no parameter: the axial currents of a section act so many times on its parent, as in NEURON",
    ),
    Feature("NaN or infinity in a parameter, Ra or L &le; 0", _REFUSED, (_VALUES,)),
    Feature(
        "Ra so small that rounding moves the membrane (1e-7 ohm cm)",
        _SAME,
        ("test_bridge_cable.py::test_sums_come_in_neurons_order_where_axial_resistances_are_tiny",),
        "the sums are made in NEURON's order then, which needs a CPU and a C++ compiler: elsewhere an error in the run",
    ),
    Feature(
        "the same beside extracellular or a LinearMechanism, or where it takes part of more than 0.1 % in a step",
        _REFUSED,
        (_VALUES,),
        "with 0.1 ohm cm the voltages of a section are nearly as equal",
    ),
    Feature(
        "extracellular: xraxial, xg, xc, e_extracellular, any number of layers, in some sections or in all",
        _SAME,
        (_LAYERS, _ALL_LAYERS, _LAYER_NUMBERS, _LAYER_GRADIENTS),
        "with secondorder 1 and 2 as NEURON does it: vext takes one half step",
    ),
    Feature("extracellular layers without a way to ground", _REFUSED, (_NO_LAYERS,)),
    Feature(
        "LinearMechanism: any nodes and layers, further unknowns, their y recorded",
        _SAME,
        (
            "test_circuits.py::test_circuits_are_neurons",
            "test_circuits.py::test_gradients_saving_and_write_back",
            "test_circuits.py::test_circuits_go_on_under_enable",
        ),
        "`LinearMechanism[0].g`, `.c`, `.b`, `.y0` are parameters; under enable() also from the middle of a run",
    ),
    Feature(
        "LinearMechanism with a callable, with secondorder 1 or 2, or of parts whose sizes do not fit",
        _REFUSED,
        (
            "test_circuits.py::test_what_changes_or_leads_nowhere_is_refused",
            "test_circuits.py::test_circuits_whose_parts_do_not_fit_are_refused",
        ),
    ),
    Feature("POINTER to v, an ion variable, a variable of a mechanism; gap junctions by it", _SAME, (_LINKS,)),
    Feature(
        "nrn_pointing(p), where p is set in all instances or in none",
        _SAME,
        (_LINKS,),
        "what stands behind it is left out where it does not hold",
    ),
    Feature("the same of a POINTER that is set in some instances only", _REFUSED, (_NO_LINKS,)),
    Feature(
        "POINTER to a NetCon weight, to i_membrane_, to nothing (where a simulation uses it)", _REFUSED, (_NO_LINKS,)
    ),
    Feature(
        "POINTER or EXTERNAL of an artificial cell to a variable of such a cell, or a GLOBAL of its mechanism",
        _SAME,
        (_CELL_POINTERS,),
        "also under enable(), where voltages may drive these cells",
    ),
    Feature(
        "the same to anything else; in Model.simulate() of cells that the solution drives",
        _REFUSED,
        ("test_cell_pointers.py::test_what_cannot_be_run_before_the_equations_is_refused",),
    ),
    Feature("a POINTER whose value depends on the order of the instances", _REFUSED, (_NO_LINKS,)),
    Feature(
        "ParallelContext.source_var, target_var (one process)",
        _SAME,
        (_TRANSFERS,),
        "of v where there is extracellular: v + vext[0], as in NEURON",
    ),
    Feature("the same before setup_transfer()", _REFUSED, (_TRANSFERS,)),
    Feature("multisplit", _REFUSED, (), "no test"),
    Feature("fstim(), fsyn()", _REFUSED, ("test_clamps.py::test_stimuli_of_old_are_refused",)),
)

STEP = (
    Feature("fixed step, secondorder 0, 1, 2", _SAME, (_HH, _ORDERS)),
    Feature(
        "secondorder 1 or 2 with METHOD derivimplicit, sparse, euler or runge, or without METHOD",
        _SAME,
        (_ORDERS,),
        "as NEURON does it: half a step, and as much again with what it has left",
    ),
    Feature(
        "secondorder 1 or 2 with derivimplicit or newton of equations that use what their last evaluation left",
        _REFUSED,
        (_OTHERS,),
    ),
    Feature(
        "secondorder changed between finitialize and a run of enable()",
        _REFUSED,
        ("test_plugin.py::test_what_cannot_be_reproduced_is_refused_or_run_by_neuron",),
        "NEURON goes on with the former method in one half of each step",
    ),
    Feature(
        "t, and the number of steps of h.run()", _SAME, ("test_bridge_process.py::test_the_time_grid_is_that_of_run",)
    ),
    Feature(
        "dt that does not fit steps_per_ms",
        _SAME,
        ("test_bridge_process.py::test_the_time_grid_is_that_of_run",),
        "h.run() changes dt then, and so does the capture, with a note",
    ),
    Feature(
        "CVODE (variable step)",
        _REFUSED,
        (_AT_ONCE, "test_cli.py::test_validate_of_a_script_that_runs_by_itself_and_records_nothing"),
        "`nrn-diff validate --dt MS --cvode ATOL` [finds a fixed step that is near enough]"
        "(cli.md#scripts-that-use-the-variable-step)",
    ),
    Feature(
        "tstop or dt &le; 0, no sections",
        _REFUSED,
        (_AT_ONCE, "test_bridge_process.py::test_a_process_without_sections_is_one_clear_refusal"),
    ),
    Feature(
        "several threads",
        _SAME,
        ("test_plugin.py::test_neurons_threads_are_left_to_work",),
        "NEURON's sums may round differently; refused: an assigned GLOBAL; in enable() self events, target_var",
    ),
    Feature("several MPI processes", _REFUSED, (), "no test"),
)

MECHANISMS = (
    Feature(
        "order of INITIAL, currents and states among mechanisms",
        _SAME,
        ("test_bridge_process.py::test_the_order_of_mechanisms_is_that_of_neurons_initial_blocks",),
    ),
    Feature("usetable_hh = 1 and 0", _SAME, (_HH,)),
    Feature(
        "ion_style of each segment, set by hand or not, also where point processes use the ion",
        _SAME,
        ("test_bridge_process.py::test_ion_style_is_known_for_each_segment",),
    ),
    Feature(
        "IClamp, SEClamp, AlphaSynapse, ExpSyn, Exp2Syn",
        _SAME,
        (_ORDERS, _NETWORK),
        "translated from the text that NEURON embeds",
    ),
    Feature(
        "VClamp, OClamp",
        _SAME,
        ("test_clamps.py::test_clamps_and_loops_left_by_break_are_neurons",),
        "they see the potential inside, as every electrode",
    ),
    Feature("point processes at 0 and 1 (zero-area nodes)", _SAME, (_ORDERS, _NETCONS)),
    Feature(
        "ChannelBuilder channels (KSChan): gates, schemes, ligands, GHK, point processes, usetable",
        _SAME,
        ("test_kschan.py::test_channels_of_every_kind_are_neurons",),
        "the parameters of their functions are named `<state>_alpha0_<channel>`, `<from>_<to>_beta1_<channel>`",
    ),
    Feature(
        "KSChan: single-channel mode, usetable of functions of the temperature, unset functions",
        _REFUSED,
        ("test_kschan.py::test_what_is_not_neurons_fixed_step_is_refused_by_name",),
    ),
    Feature("mechanisms written in C, fastpas", _REFUSED, (_AT_ONCE,)),
    Feature(
        "reaction-diffusion (rxd)",
        _REFUSED,
        (_OTHERS,),
        "imported only (as Section.psection() does), without a species, it takes no part",
    ),
)

EVENTS = (
    Feature(
        "NetStim with noise, IntFire1, IntFire2, IntFire4, ARTIFICIAL_CELLs of the user",
        _SAME,
        (_NETSTIM, _CELLS, "test_parity_neuron.py::test_cells_with_loops_send_as_in_neuron"),
        "given trains, bit for bit",
    ),
    Feature(
        "ARTIFICIAL_CELL with an array: nrn_diff.enable(), Vector.play beside it",
        _REFUSED,
        ("test_events_artificial.py::test_a_cell_with_an_array_is_captured",),
        "NEURON's SaveState, by which a run is handed over, crashes; Model.simulate() is the same as NEURON",
    ),
    Feature(
        "POINTER to an element of a Vector; BEFORE and AFTER blocks of many instances that add to one variable",
        _SAME,
        (
            "test_pointers_that_gather.py::test_sums_through_pointers_agree_with_neuron",
            "test_pointers_that_gather.py::test_sums_are_in_neurons_vectors_after_a_run",
        ),
        "the sums as `P = P + x`, with x that does not depend on P",
    ),
    Feature(
        "VecStim and other ARTIFICIAL_CELLs whose C code reads event times from a HOC Vector",
        _SAME,
        ("test_vecstim.py::test_times_of_vectors_agree_with_neuron",),
        "the Vector's live values; which Vector is found out in a copy of the process",
    ),
    Feature("NetCon delay, weight vector, active(0), no source", _SAME, (_NETCONS,)),
    Feature("ties: events of equal time", _SAME, (_TIES, "test_events_queue.py::test_ties_come_out_as_in_neuron")),
    Feature(
        "ties of spikes at a synapse that does more than add, all delays alike; under enable() any but those below",
        _SAME,
        (_ORDER, "test_ties_live.py::test_ties_come_in_neurons_order"),
        "also with trains, artificial cells, NetCons given to gid_connect (beside FOR_NETCONS: refused), and in runs "
        "from the middle; several threads: refused",
    ),
    Feature("such ties in Model.simulate() with delays that differ or given trains", _REFUSED, (_ORDER,)),
    Feature(
        "ties among self events, or with those of NetCons: alike, commuting, or sent without delay",
        _SAME,
        (_SELF_TIES, "test_commute.py::test_what_commutes_is_read_off_net_receive"),
    ),
    Feature("such ties of any others", _REFUSED, (_SELF_TIES,), "an error in the run, NaN under jit"),
    Feature(
        "NetCon from a voltage, threshold",
        _SAME,
        (
            _NETWORK,
            "test_spike_derivative.py::test_crossing_time_is_the_derivative_of_the_continuous_model",
        ),
        "derivatives through the time of a spike: [none, surrogate or exact](spikes.md)",
    ),
    Feature(
        "NetCon.record of spike times, also of artificial cells and point processes",
        _SAME,
        (_NETWORK, _EVENT_NETWORK),
        "`recording.spike_times(label)`",
    ),
    Feature(
        "networks by gid on one rank (set_gid2node, cell, gid_connect), ParallelContext.spike_record",
        _SAME,
        ("test_event_network.py::test_a_ring_of_gids_on_one_rank_equals_neuron",),
        "of sources that have a NetCon",
    ),
    Feature(
        "NetCons from voltages and from artificial cells to one kind of synapse",
        _SAME,
        (_ORDERS, "test_self_events.py::test_voltages_and_trains_to_one_synapse_in_the_order_of_their_times"),
        "in the order of their times",
    ),
    Feature(
        "trains that arrive together where their order matters, in a model whose solution sends events, or with "
        "Vectors that are played or record at times of their own",
        _REFUSED,
        (
            "test_self_events.py::test_trains_that_arrive_together_where_their_order_matters_are_refused",
            "test_ties_of_trains.py::test_vectors_that_wait_in_the_queue_change_the_order_at_a_synapse",
            "test_ties_of_trains.py::test_what_enable_does_not_know_of_the_queue_is_refused",
            "test_ties_of_trains.py::test_what_a_cell_receives_at_one_time_is_refused_where_the_solution_sends_events",
        ),
        "at synapses and at artificial cells",
    ),
    Feature(
        "NetCon that watches another variable: of an ion, a mechanism, x of a point process without NET_RECEIVE",
        _SAME,
        ("test_event_network.py::test_netcons_that_watch_any_variable_equal_neuron",),
        "such spikes have no derivative; also under enable(), from the middle of a run",
    ),
    Feature("NetCon that watches anything else (cm, extracellular potentials)", _REFUSED, (_SOURCES,)),
    Feature(
        "PatternStim: given spikes of gids that have no cell in this process",
        _SAME,
        ("test_patternstim.py::test_given_spikes_of_gids_are_neurons",),
        "also under enable() and from the middle of a run; of a gid whose cell is here NEURON sends nothing. Refused: "
        "spikes that would arrive before they are sent (times below 0, or out of order), several threads",
    ),
    Feature("NetCon whose source is in another process, without a PatternStim", _REFUSED, (_SOURCES,)),
    Feature("net_event of a point process in a section, as the source of NetCons", _SAME, (_EVENT_NETWORK,)),
    Feature(
        "artificial cells that voltages, point processes or other such cells drive",
        _SAME,
        (_EVENT_NETWORK,),
        "IntFire1, IntFire2, IntFire4, ARTIFICIAL_CELLs of the user",
    ),
    Feature("the same where the cell draws random numbers or has a WHILE loop", _REFUSED, (_SOURCES,)),
    Feature(
        "thousands of events that wait for one instance",
        _SAME,
        ("test_self_events.py::test_a_model_whose_events_need_more_room_gets_it_and_keeps_it",),
        "a run is compiled again with room for more, up to 131072 for one instance and 1 GiB for all",
    ),
    Feature(
        "more than that, or than `model.with_event_capacity` allows",
        _REFUSED,
        ("test_self_events.py::test_too_many_events_are_an_error_that_names_the_way_out",),
        "an error in the run, NaN under jit",
    ),
    Feature("binned event queue", _REFUSED, (_OTHERS,)),
)

RECORDING = (
    Feature(
        "Vector.record at every step: v, ions, variables of mechanisms, t",
        _SAME,
        (_RECORDS,),
        "also Vectors that HOC made",
    ),
    Feature("Vector.record with an interval or with times", _SAME, (_PLAY,), "`recording.times(label)`"),
    Feature(
        "the same, of what events change: variables of point processes, weights, v that NET_RECEIVE assigns",
        _SAME,
        ("test_samples.py::test_samples_among_events_are_neurons",),
        "taken among the events of a step, also under enable() and from the middle of a run. An error in the run, NaN "
        "under jit: an event that changes it at the very time of a sample. With such samples spikes to that kind of "
        "synapse have no derivative",
    ),
    Feature("the same, of a played variable, or of a GLOBAL that NET_RECEIVE assigns", _REFUSED, (_NO_PLAY,)),
    Feature(
        "i_membrane_ (CVode.use_fast_imem), i_cap, i_membrane, vext",
        _SAME,
        (_LAYERS, _ALL_LAYERS),
        "`model.with_records('dend(0.5).i_membrane_')` needs no use_fast_imem; in Python `vext[1]` is `vext[0]`",
    ),
    Feature(
        "LFP: point and line sources on i_membrane_ (lfp.potential)",
        _SAME,
        ("test_lfp.py::test_potentials_equal_lfpykits_from_neurons_currents",),
        "equal to LFPykit's",
    ),
    Feature("cm, celsius, weights of NetCons, GLOBALs recorded", _SAME, (_PLAY,)),
    Feature(
        "variables of artificial cells recorded, at every step, with an interval or with times",
        _SAME,
        ("test_artificial_records.py::test_recorded_variables_of_artificial_cells_are_neurons",),
        "also of cells that drive nothing, and under enable(); those of given trains have no derivative. Refused: "
        "samples at the time of an event",
    ),
    Feature("recording of HOC variables, and of the slopes of ion currents (dina_dv_)", _REFUSED, (_NO_RECORDS,)),
    Feature(
        "Random.play into a variable",
        _SAME,
        (_HIDDEN, "test_plugin_between_runs.py::test_between_runs"),
        "the numbers that the next run in NEURON draws; under enable() the streams go on, and several threads: refused",
    ),
    Feature(
        "Vector.play: steps or continuous, at intervals, at times, with discontinuities",
        _SAME,
        (_PLAY,),
        "into voltages, ion variables, cm, celsius, variables of mechanisms and point processes, GLOBALs, weights of "
        "NetCons, thresholds of voltages (no derivative), `nai0_na_ion`; the samples are parameters, `play[0]`",
    ),
    Feature(
        "Vector.play into e_extracellular, xg, xc",
        _SAME,
        ("test_play.py::test_potentials_outside_are_played_as_in_neuron",),
    ),
    Feature(
        "Vector.play into what a NET_RECEIVE reads",
        _SAME,
        (_PLAY, "test_plugin_timed.py::test_what_is_played_and_sampled_goes_on_as_in_neuron"),
        "each event sees what is played before it, also within a step. Refused: events and plays of one time; what "
        "NET_RECEIVE changes, v where it reads v, and what it reads through a POINTER",
    ),
    Feature(
        "Vector.play into what a TABLE reads and its DEPEND names, celsius and GLOBALs",
        _SAME,
        ("test_play.py::test_tables_are_filled_anew_as_in_neuron",),
        "filled anew when NEURON does it: at the start of a step, or where it is looked up in files that are not "
        "thread-safe. Refused: under enable(); beside what INITIAL assigns or each instance has its own of",
    ),
    Feature(
        "Vector.play of a statement, into what a TABLE reads otherwise, into weights of NetCons to artificial cells, "
        "thresholds of other NetCons, delays, dt",
        _REFUSED,
        (_NO_PLAY,),
    ),
    Feature(
        "Vector.play into diam, L, Ra, xraxial",
        _REFUSED,
        (_NO_PLAY,),
        "NEURON's steps do not see it: areas and resistances are computed anew only where HOC or Python sets one",
    ),
)

NEURON = {
    "Cable": CABLE,
    "Step": STEP,
    "Mechanisms and ions": MECHANISMS,
    "Events": EVENTS,
    "Recording and playing": RECORDING,
    "Code that runs during a simulation": USER_CODE,
}
