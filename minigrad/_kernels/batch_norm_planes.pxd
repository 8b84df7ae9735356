cdef int planes_statistics(object x, object mean, object var) except -1
cdef int planes_forward(
    object x, object gamma, object beta, object y, object mean, object var, object inv_std,
    double eps, bint training, bint unfit_alone
) except -1
cdef int planes_backward(
    object dy, object x, object gamma, object mean, object inv_std, object dx, object dgamma,
    object dbeta, bint training, bint unfit_alone
) except -1
