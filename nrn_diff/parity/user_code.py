"""Runs of enable(), and code of the user's own in a NEURON process."""

from __future__ import annotations

from nrn_diff.parity.rows import Feature, Status

_SAME, _REFUSED, _UNSEEN = Status.SAME, Status.REFUSED, Status.UNSEEN

_AT_ONCE = "test_bridge_process.py::test_everything_that_is_not_represented_is_refused_at_once_and_neuron_is_untouched"
_HANDLERS = "test_bridge_process.py::test_handlers_that_change_nothing_are_captured_and_others_refused"
_HIDDEN = "test_parity_neuron.py::test_random_numbers_that_are_played_are_neurons_and_callbacks_are_refused"
_UNSEEN_TEST = "test_parity_neuron.py::test_what_is_said_not_to_be_seen_is_not_seen"

USER_CODE = (
    Feature(
        "APCount, the counter of spikes; under enable() also its record(vector)",
        _SAME,
        ("test_apcount.py::test_spikes_are_counted_as_in_neuron",),
        "NEURON's own file has C code, for which an equivalent in NMODL is taken",
    ),
    Feature(
        "runs from the state after NEURON's own initialisation, and from the middle: nrn_diff.enable()",
        _SAME,
        ("test_plugin.py::test_runs_leave_what_neuron_leaves",),
        "FInitializeHandlers, init() of one's own, continuerun and psolve in pieces; NEURON can go on",
    ),
    Feature(
        "net_send, net_move, net_event, WATCH, FOR_NETCONS of point processes: nrn_diff.enable()",
        _SAME,
        (
            "test_plugin_events.py::test_events_of_point_processes_go_on_as_in_neuron",
            "test_plugin_sequences.py::test_any_sequence_of_runs_and_changes",
        ),
        "also from the middle of a run, and NEURON can go on; ties whose order its whole queue decides: an error",
    ),
    Feature(
        "NetCon.active, weight, event, SaveState, frecord_init, t or dt set by hand, between runs: nrn_diff.enable()",
        _SAME,
        (
            "test_plugin_between_runs.py::test_between_runs",
            "test_plugin_sequences.py::test_any_sequence_of_runs_and_changes",
        ),
        "also while events wait, and with several threads; refused: other delays while one event for all waits",
    ),
    Feature(
        "RANDOM variables, exprand and the like, streams and HOC Randoms behind POINTERs: nrn_diff.enable()",
        _SAME,
        (
            "test_random_equations.py::test_streams_go_on_in_runs_of_enable_and_in_neuron",
            "test_random_pointers.py::test_streams_behind_pointers_go_on_in_runs_of_enable_and_in_neuron",
        ),
        "NEURON draws on from where a run has left the streams",
    ),
    Feature(
        "steps of NEURON itself after a run of enable() whose model carries something in a LOCAL of a mod file",
        _REFUSED,
        ("test_plugin.py::test_neuron_does_not_go_on_without_what_it_cannot_know",),
        "an error in the first such step",
    ),
    Feature(
        "Vector.play, Vector.record at intervals and times, variables that HOC cannot read: nrn_diff.enable()",
        _SAME,
        (
            "test_plugin_timed.py::test_what_is_played_and_sampled_goes_on_as_in_neuron",
            "test_plugin.py::test_variables_that_hoc_cannot_read_go_on",
        ),
        "also from the middle of a run",
    ),
    Feature(
        "cvode.event with a statement or a Python function: nrn_diff.enable()",
        _SAME,
        ("test_plugin_statements.py::test_statements_and_functions_see_and_change_what_they_do_in_neuron",),
        "in pieces, between which NEURON has its whole state; psolve() stops at one without a statement",
    ),
    Feature(
        "cvode.event with a POINT_PROCESS; several at one time beside what else NEURON's queue holds",
        _REFUSED,
        ("test_plugin_statements.py::test_what_cannot_be_followed_is_an_error",),
    ),
    Feature(
        "numbers of the sources beside spike times (NetCon.record, spike_record), also of artificial cells: enable()",
        _SAME,
        ("test_plugin_vectors.py::test_what_records_may_change_between_runs",),
    ),
    Feature(
        "step() or advance() of one's own that does more than advance and draw: nrn_diff.enable()",
        _SAME,
        ("test_plugin.py::test_what_cannot_be_reproduced_is_refused_or_run_by_neuron",),
        "NEURON makes the steps of such runs itself, which is said",
    ),
    Feature(
        "FInitializeHandler that changes nothing of the model (it prints, counts, opens a file), in a capture",
        _SAME,
        (_HANDLERS,),
        "found out by running it in copies of the process, also with all parameters moved",
    ),
    Feature(
        "FInitializeHandler that changes or sets something of the model, in a capture",
        _REFUSED,
        (_HANDLERS,),
        "nrn_diff.enable() lets NEURON run it; start values can be given to `Model.simulate()`",
    ),
    Feature(
        "init() of stdrun.hoc redefined, in a capture: finitialize at any v and again, fcurrent, fadvance with another "
        "dt, frecord_init, assignments to v, RANGE and GLOBAL variables and ions by formulas, HOC's control flow",
        _SAME,
        (
            "test_bridge_own_init.py::test_what_init_does_becomes_phases_and_neuron_is_untouched",
            "test_bridge_own_init.py::test_phases_that_are_not_what_neuron_does_are_refused",
        ),
        "derivatives go through it; parameters that it sets are refused as parameters; run() and stdinit() too, if "
        "they make one run from t = 0 to tstop and set nothing in it",
    ),
    Feature(
        "such an init(), stdinit() or run() with file I/O, random numbers, new objects, Python, methods of objects of "
        "one's own; that changes a shape, or leaves t, dt, tstop or v_init other than they were",
        _REFUSED,
        ("test_bridge_own_init.py::test_what_cannot_be_followed_is_refused_by_name",),
    ),
    Feature(
        "advance(), step(), continuerun(), ... of stdrun.hoc redefined, in a capture",
        _REFUSED,
        ("test_bridge_process.py::test_redefined_run_procedures_are_recognised_by_their_code", _AT_ONCE),
    ),
    Feature("CVode.extra_scatter_gather", _REFUSED, (_AT_ONCE,)),
    Feature(
        "code of one's own around finitialize() and fadvance()",
        _UNSEEN,
        (_UNSEEN_TEST,),
        "the run is the one that h.run() makes: from INITIAL at v_init, with parameters that stay as captured",
    ),
    Feature("NetCon.record(callback)", _REFUSED, (_HIDDEN,)),
)
