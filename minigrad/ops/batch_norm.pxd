from ..tensor cimport Tensor


cdef Tensor batch_normalized(
    str operation, object input, object running_mean, object running_var, object weight,
    object bias, object training, object momentum, object eps, object axis,
    object unbiased_running_var, object corrected)
