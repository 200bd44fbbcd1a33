"""Names that NMODL itself defines."""

from __future__ import annotations

import re

LAG_VALUE, LAG_AFTER, LAG_FORGET = "lag__value", "lag__after", "lag__forget"

# Functions of one number or more that the IR may call: name -> number of arguments.
INTRINSICS: dict[str, int] = {
    "exp": 1,
    "log": 1,
    "log10": 1,
    "sqrt": 1,
    "fabs": 1,
    "sin": 1,
    "cos": 1,
    "tan": 1,
    "asin": 1,
    "acos": 1,
    "atan": 1,
    "atan2": 2,
    "sinh": 1,
    "cosh": 1,
    "tanh": 1,
    "floor": 1,
    "ceil": 1,
    "fmod": 2,
    "pow": 2,
    "erf": 1,
    "nrn_ghk": 4,
    # Of a stream of random numbers (see passes/streams.py); no mod file has such names.
    "random__dpick": 5,
    "random__normal": 5,
    "random__after_normal": 5,
    "random__place": 1,
    "random__cached_normal": 5,
    "random__ran4": 2,
    "random__ran4_normal": 2,
    "random__ran4_cached_normal": 2,
    "random__ran4_after_normal": 2,
    "random__process_next": 1,
    "random__process_normal": 1,
    "random__process_after_normal": 1,
    "random__process_poisson": 2,
    "random__process_after_poisson": 2,
    "random__process_seed": 1,
    # Of the past of a variable (see semantic/lag.py): the past, t, the variable, the delay.
    LAG_VALUE: 4,
    LAG_AFTER: 4,
    LAG_FORGET: 1,
}

# NEURON's own variables that an intrinsic uses besides its arguments.
INTRINSIC_READS: dict[str, tuple[str, ...]] = {"nrn_ghk": ("celsius",)}

# The intrinsic that looks up a FUNCTION_TABLE (src/oc/functabl.cpp): the table, then one argument or more.
FUNC_TABLE = "hoc_func_table"

# The size of the HOC Vector that C code has hidden in a variable, -1 without one; and an element of it.
VECTOR_SIZE, VECTOR_ELEMENT = "hoc_vector_size", "hoc_vector_element"

# The GLOBAL that nocmodl declares in a file with a TABLE: whether tables are looked up.
USE_TABLE = "usetable"

# Calls that an interpreter of events executes; they stay in the IR as CallRoutine or Call: name -> argument counts.
EVENT_CALLS: dict[str, tuple[int, ...]] = {"net_send": (2,), "net_event": (1,), "net_move": (1,), "WATCH": (2,)}
RANDOM_CALLS: dict[str, tuple[int, ...]] = {
    "random_setseq": (2,),
    "random_setids": (4,),
    "random_uniform": (1, 3),
    "random_negexp": (1, 2),
    "random_normal": (1, 3),
    "random_ipick": (1,),
    "random_dpick": (1,),
}

# Calls without any effect on the numbers of a fixed-step run.
DROPPED_CALLS = frozenset({"at_time", "printf", "prterr"})

# Draws from the one stream of the process (src/oc/scoprand.cpp): name -> number of arguments. In the IR their names
# begin with OF_PROCESS.
PROCESS_DRAWS: dict[str, int] = {"scop_random": 0, "exprand": 1, "normrand": 2, "poisrand": 1, "set_seed": 1}
OF_PROCESS = "random_of_process_"

# Functions whose call makes nocmodl print the form of the file that is not thread-safe (nocmodl's extdef5.h).
NOT_THREAD_SAFE = frozenset(
    re.findall(
        r"\w+",
        """force deflate expfit derivs spline exprand gauss normrand poisrand poisson setseed scop_random boundary
    romberg invert stepforce schedule set_seed nrn_random_play""",
    )
)

# nocmodl's other built-in functions (those of scopmath.py are translated): legal NMODL that is refused by name.
OTHER_BUILTINS = frozenset(
    re.findall(
        r"\w+",
        """first_time error f_flux b_flux threshold force deflate expfit derivs spline hyperbol revhyperbol sigmoid
    revsigmoid harmonic squarewave sawtooth revsawtooth ramp pulse perpulse step perstep exprand factorial gauss
    normrand poisrand poisson setseed scop_random boundary romberg legendre invert stepforce schedule set_seed
    nrn_pointing state_discontinuity nrn_random_play""",
    )
)

FROM_FILES = ("force", "stepforce")  # of these: they read a file of points where a simulation first calls them

# NEURON's state_discon_allowed_ and state_discon_flag_ in one: 1 in the first of the evaluations of BREAKPOINT that a
# step makes, 0 in the second and in those of finitialize.
DISCONTINUITY_ALLOWED = "state_discon_allowed_"

# NEURON's own variables, readable in every mechanism.
EXTERNALS: dict[str, str] = {"v": "mV", "t": "ms", "dt": "ms", "celsius": "degC", "diam": "um", "area": "um2"}

# Methods of SOLVE by the kind of block that they solve.
METHODS: dict[str, tuple[str, ...]] = {
    "DERIVATIVE": ("cnexp", "derivimplicit", "euler", "runge"),
    "KINETIC": ("sparse", "euler", "runge", "_advance"),
    "LINEAR": ("simeq",),
    "NONLINEAR": ("newton",),
    "PROCEDURE": (),
    "DISCRETE": (),
}
ANY_BLOCK_METHODS = ("after_cvode", "cvode_t")  # nocmodl knows cvode_t_v, and accepts it for no block


def ion_variables(ion: str) -> dict[str, str]:
    """Return the four variables of an ion species and what each is: erev, current, inside, outside."""
    return {f"e{ion}": "erev", f"i{ion}": "current", f"{ion}i": "inside", f"{ion}o": "outside"}
