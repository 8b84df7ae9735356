# MINIGRAD_THREAD_LOCAL stands in C before a variable of which every thread has its own.
#
# Included instead of cimported: it is a word of C, and a cimport has to name something of Cython's.

cdef extern from *:
    """
    #if defined(_MSC_VER)
      #define MINIGRAD_THREAD_LOCAL __declspec(thread)
    #elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L && !defined(__STDC_NO_THREADS__)
      #define MINIGRAD_THREAD_LOCAL _Thread_local
    #else
      #define MINIGRAD_THREAD_LOCAL __thread
    #endif
    """
