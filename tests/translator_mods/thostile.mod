: names that mean something to Python, to JAX and to the printer
NEURON { SUFFIX thostile NONSPECIFIC_CURRENT lambda RANGE None, def, jnp }
PARAMETER { None = 0.0004 def = 2 jnp = -40 where = 0.5 guard = 3 }
STATE { elif yield pow_ }
ASSIGNED { v lambda nonlocal self }
INITIAL { elif = 0.1 yield = 0.2 pow_ = 0.3 nonlocal = 1 }
BREAKPOINT { SOLVE del METHOD cnexp lambda = None*elif*yield*(v - jnp)*pow_*guard }
DERIVATIVE del { LOCAL x, exp_, initial, current
    x = is(v) exp_ = 1 initial = where current = initial*x
    elif' = (x - elif)/def yield' = (current - yield)/exp_ pow_' = (nonlocal - pow_)/guard
}
FUNCTION is(in) { is = 1/(1 + exp(-(in + 40)/10)) }
