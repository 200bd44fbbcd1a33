: A point process without NET_RECEIVE: NEURON watches its x for the NetCons that have it as their source.
NEURON { POINT_PROCESS Swing RANGE x, period }
PARAMETER { period = 4 (ms) }
ASSIGNED { x }
INITIAL { x = -90 }
BREAKPOINT { SOLVE swing }
PROCEDURE swing() { x = 60*sin(6.2831853*t/period) }
