: Changes the weights of all of its NetCons, and sends an event later for each of those that are large.
NEURON { ARTIFICIAL_CELL Scaler RANGE sum, seen }
ASSIGNED { sum seen }
FUNCTION_TABLE wait(x, y) (ms)
INITIAL { sum = 0 seen = 0 }
NET_RECEIVE(w, k) {
    INITIAL { k = 1 }
    if (flag == 0) {
        seen = seen + 1
        w = w*1.1
        sum = 0
        FOR_NETCONS(u, n) {
            sum = sum + u*n
            n = n*0.9 + 0.01
            u = u*(1 - 0.05*u)
            k = k + 0.02
        }
        FOR_NETCONS(u, n) {
            if (u > 0.5) { net_send(wait(u, n) + 0.01*u, 2 + seen) }
        }
    } else {
        net_event(t)
    }
}
