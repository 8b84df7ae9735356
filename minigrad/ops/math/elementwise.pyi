# Everything here is for C code.
