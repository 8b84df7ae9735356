# e^x for loops that the C compiler is to vectorize; libm's exp is a function call for each element.
#
# For x <= 0 only. Every kernel can arrange that (softmax subtracts the largest logit, sigmoid takes
# -|x|), and then nothing overflows. x = -inf gives 0 and NaN stays NaN.
#
# Write x in units of log 2 and cut it into an integer k and a rest f:
#
#     e^x = 2^u,   u = x / log 2,   u = k + f,   -1/2 <= f <= 1/2,   so   e^x = 2^k · 2^f
#
# k   comes from adding ROUND = 1.5·2^52 + 1023. Doubles of that size are whole numbers, so the sum
#     is rounded to one; taking ROUND away again leaves k.
# 2^k has the exponent field k + 1023 and nothing else: the lowest bits of the sum, moved up by 52.
#     At k = -1023 the field is 0 and the number is 0, which is where smaller u are stopped.
# 2^f is 1 + f·g(f), where g interpolates (2^f - 1)/f at the seven Chebyshev points of [-1/2, 1/2]
#     (tests/kernels/test_exponential.py computes the coefficients). One point is f = 0, so the
#     result is also accurate next to e^0 = 1, where e^x - 1 is wanted.
#
# The relative error is below 2e-10, a three-hundredth of the last bit of a float32. Float64 arrays
# take libm's exp.

cimport cython
from libc.math cimport exp, expm1
from libc.stdint cimport uint64_t

from .types cimport real

cdef union Bits:
    double value
    uint64_t pattern


@cython.overflowcheck(False)   # the shift is meant to push bits out
cdef inline double split_exponential(double x, double* power) noexcept nogil:
    """Give power = 2^k and return q = f·g(f), so that e^x = power·(1 + q), for x <= 0."""
    cdef double ROUND = 6755399441055744. + 1023.
    cdef double u = x * 1.4426950408889634   # 1 / log 2
    cdef double f
    cdef Bits sum
    u = -1023. if u < -1023. else u
    sum.value = u + ROUND
    f = u - (sum.value - ROUND)
    sum.pattern <<= 52
    power[0] = sum.value
    return f * (0.6931471805599453
                + f * (0.24022650922288757
                       + f * (0.055504108839096185
                              + f * (0.009618056678524637
                                     + f * (0.001333350238616277
                                            + f * (0.0001546144469856913
                                                   + f * 1.5297323760701075e-05))))))


cdef inline double exponential(double x, real like) noexcept nogil:
    """e^x for x <= 0, as exactly as an array with numbers of the type of `like` can hold."""
    cdef double power, q
    if real is float:
        q = split_exponential(x, &power)
        return power + power * q
    else:
        return exp(x)


cdef inline double exponential_minus_one(double x, real like) noexcept nogil:
    """e^x - 1 for x <= 0, without the loss of digits of a subtraction from e^x next to x = 0."""
    cdef double power, q
    if real is float:
        q = split_exponential(x, &power)
        return (power - 1) + power * q
    else:
        return expm1(x)
