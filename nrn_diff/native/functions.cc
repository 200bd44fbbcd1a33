// NEURON's exp and the logarithm, elementwise, in loops without branches that every compiler turns into vector code.
//
// Relative error below one unit in the last place, as in a C library; the same bits on every machine.
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "rows.h"
#include "xla/ffi/api/ffi.h"

// One version for each width of vectors, chosen when the library is loaded: the library may be cached for several machines.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__)
#define WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDEST
#endif

namespace {

double from_bits(int64_t bits) {
    double x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

int64_t to_bits(double x) {
    int64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

// Added to a number below 2^51 it leaves the nearest whole number in the low bits.
constexpr double kRound = 6755399441055744.0;
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;

}  // namespace

// x = k ln 2 + r with |r| < 0.35, and the Taylor series of exp(r).
WIDEST void nrn_diff_exp_each(int64_t n, const double* in, double* out) {
    for (int64_t i = 0; i < n; ++i) {
        const double x = in[i];
        double y = x < -700.0 ? -700.0 : x;
        y = y > 700.0 ? 700.0 : y;
        const double shifted = y * 1.44269504088896338700 + kRound;
        const double k = shifted - kRound;
        const double r = (y - k * kLn2High) - k * kLn2Low;
        const double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
        const double p0 = 1.0 / 2 + r * (1.0 / 6), p1 = 1.0 / 24 + r * (1.0 / 120), p2 = 1.0 / 720 + r * (1.0 / 5040);
        const double p3 = 1.0 / 40320 + r * (1.0 / 362880), p4 = 1.0 / 3628800 + r * (1.0 / 39916800);
        const double p5 = 1.0 / 479001600 + r * (1.0 / 6227020800.0);
        const double p = (p0 + r2 * p1) + r4 * (p2 + r2 * p3) + r8 * (p4 + r2 * p5);
        const double scale = from_bits((to_bits(shifted) + 1023) << 52);
        const double value = (1.0 + (r + r2 * p)) * scale;
        out[i] = x < -700.0 ? 0.0 : value;
    }
}

// As in fdlibm: x = 2^k m with m between sqrt(1/2) and sqrt(2), and log m by a series in f / (2 + f), f = m - 1.
WIDEST void nrn_diff_log_each(int64_t n, const double* in, double* out) {
    constexpr int64_t kSqrtHalf = 0x3fe6a09e667f3bcd, kExponent = 0x7ff0000000000000, kOne = 0x0010000000000000;
    constexpr double kLogDenormal = 744.44007192138126231;  // 1074 log 2
    int64_t unusual = 0;
    for (int64_t i = 0; i < n; ++i) {
        const double x = in[i];
        unusual |= !(x >= DBL_MIN && x <= DBL_MAX);
        const uint64_t above = to_bits(x) - kSqrtHalf + 1024 * kOne;
        const double k = from_bits((above >> 52) | 0x4330000000000000) - (4503599627370496.0 + 1024.0);
        const double f = from_bits(static_cast<int64_t>((above & ~static_cast<uint64_t>(kExponent)) + kSqrtHalf)) - 1.0;
        const double s = f / (2.0 + f), z = s * s, w = z * z, half = 0.5 * f * f;
        const double even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
        const double odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 +
                                w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
        out[i] = k * kLn2High - ((half - (s * (half + (even + odd)) + k * kLn2Low)) - f);
    }
    if (unusual) {
        for (int64_t i = 0; i < n; ++i) {
            const int64_t bits = to_bits(in[i]);
            if (bits > 0 && bits < kOne) {  // read as a whole number: XLA's threads take what is not normal for zero
                out[i] = std::log(static_cast<double>(bits)) - kLogDenormal;
            } else if (!(in[i] >= DBL_MIN && in[i] <= DBL_MAX)) {
                out[i] = std::log(in[i]);
            }
        }
    }
}

namespace {

template <void (*kEach)(int64_t, const double*, double*)>
ffi::Error apply(Doubles x, ffi::Result<Doubles> y) {
    kEach(static_cast<int64_t>(x.element_count()), x.typed_data(), y->typed_data());
    return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(nrn_diff_exp, apply<nrn_diff_exp_each>, ffi::Ffi::Bind().Arg<Doubles>().Ret<Doubles>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(nrn_diff_log, apply<nrn_diff_log_each>, ffi::Ffi::Bind().Arg<Doubles>().Ret<Doubles>());
