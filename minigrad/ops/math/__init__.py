"""Elementary rules: what every other operation is made of. In reading order:

    arguments     which values are operands, and in which dtype
    broadcasting  shapes; `unbroadcast`, the gradient of a value that was repeated
    elementwise   two arrays of any shapes through one loop
    arithmetic    sums, products, quotients, powers and the elementary functions
    selection     where, maximum, minimum, clamp: one value or the other
    comparison    comparisons and logic, which have no derivative
    shaping       reshape, transpose, expand: the same values in another shape
    reductions    sum, mean, var, norm
    minmax        the largest and the smallest, any and all
    linear        products of matrices and the linear layer
"""
