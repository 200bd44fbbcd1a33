TITLE C functions and numbers that a file defines in VERBATIM
NEURON {
    SUFFIX dgamma
    NONSPECIFIC_CURRENT i
    RANGE g, m, n
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) n }
STATE { m }
VERBATIM
#define TWO 2
#define FOUR (TWO*2.0)
/* double half(double x) { return 0; } */
static double
half(double x)
{
    return x/TWO;
}
static double lngamma(double xx) {
    double x, ser;
    static double cof[6] = {76.18009173, -86.50532033, 24.01409822, -1.231739516, 0.120858003e-2, -0.536382e-5};
    int weight[] = {1, 2, 3};
    int j;
    x = xx - 1.0;
    if (xx < FOUR) { return half(xx) + weight[1]; }
    ser = x + 5.5;
    ser -= (x + 0.5)*log(ser);
    x = 1.0 - weight[0];
    for (j = 0; j <= 5; j++) { x += cof[j]/(xx + j); }
    return -ser + log(2.50662827465*(1.0 + x));
}
static void silent(double x) {
}
ENDVERBATIM
INITIAL { m = 3 n = 0 }
BREAKPOINT {
    SOLVE states METHOD cnexp
    i = g*(0.1*m + n)*(v + 20)
}
DERIVATIVE states {
    m' = (v + 90)/20 - m
    VERBATIM
    silent(m);
    n = lngamma(m + half(TWO)) - FOUR*half(v/100.0);
    ENDVERBATIM
}
