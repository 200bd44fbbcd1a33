TITLE C functions and macros that a file defines in VERBATIM, and unsigned ints
NEURON {
    SUFFIX dgamma
    NONSPECIFIC_CURRENT i
    RANGE g, m, n, past, odd
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) n past[3] odd }
STATE { m }
VERBATIM
#define TWO 2
#define FOUR (TWO*2.0)
#define SUM TWO + 1
#define LARGER(a, b) (((a) > (b)) ? (a) : \
  (b))
#define LAST past[2]
#ifdef NRN_VERSION_GTEQ_8_2_0
#define SHARE(x) LARGER(x, 0.1)/SUM
#else
#define SHARE(x) nothing_of_the_kind
#endif
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
INITIAL { m = 3 n = 0 odd = 0 FROM k = 0 TO 2 { past[k] = 0 } }
BREAKPOINT {
    SOLVE states METHOD cnexp
    i = g*(0.1*m + n)*(v + 20)
}
DERIVATIVE states {
    m' = (v + 90)/20 - m
    VERBATIM
    silent(m);
    unsigned int k, many = 7;
    for (k = (unsigned)(2.5 + 0*m); k >= 1; k--) { past[k] = past[k - 1]; }
    past[0] = SHARE(m);
    k = k - 3;
    many = 3*k/many + k % 1000 - (k > -3)*(-2);
    odd = many + LAST*(int)k + (v < many ? 1u : 2u) + 0.5*(-1 < many);
#define HALVED half(TWO)
    n = lngamma(m + HALVED) - FOUR*half(v/100.0);
    ENDVERBATIM
}
