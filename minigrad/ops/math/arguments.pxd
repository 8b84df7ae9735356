from ...tensor cimport Tensor


cdef bint is_number(object value)
cdef Tensor operand(str operation, str argument, object value)
cdef Tensor floating(str operation, str argument, object value)
cdef int one_dtype(str operation, Tensor x, str argument, Tensor u) except -1
cdef Tensor as_float(Tensor x)
cdef tuple operands(str operation, object a, object b)
cdef Tensor stored(str operation, object value, int type_number)
cdef Tensor scalar_like(str operation, object value, int type_number)
cdef int refuse_bool(str operation, object input, object other) except -1
