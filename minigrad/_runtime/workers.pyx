"""Large work in parts, on plain threads that wait for it.

A part is a function of C that runs without the GIL: some rows of a product, say, or some elements
of an array. The thread that asks computes the first part, workers the others, and it goes on when
all are done. No result depends on how many parts there are, so whoever finds the workers taken, by
another thread of the program, computes all parts alone.

Workers are hired at the first large piece of work. They are no threads of `threading`, they never
hold the GIL while they wait, and Python ends without asking them. After a fork the child has none
and hires its own.
"""

import _thread
import os

from cpython.exc cimport PyErr_Clear
from cpython.pythread cimport (
    NOWAIT_LOCK, WAIT_LOCK, PyThread_acquire_lock, PyThread_allocate_lock, PyThread_release_lock,
    PyThread_type_lock,
)

cdef enum:
    MOST = 64       # threads that work on one thing
    TRIES = 16000   # before a thread goes to sleep, 200 µs: what a step does between two products

cdef struct Worker:
    PyThread_type_lock begin, done   # both held, but for the moment in which they say so
    bint failed

cdef Worker[MOST] workers
cdef int hired = 0, allowed = 1
cdef PyThread_type_lock desk = NULL   # held by the thread whose work is under way: this, in parts
cdef Part work = NULL
cdef void *work_on = NULL
cdef int work_parts = 0


cdef void wait_for(PyThread_type_lock lock) noexcept nogil:
    cdef int _i
    for _i in range(TRIES):
        if PyThread_acquire_lock(lock, NOWAIT_LOCK):
            return
    PyThread_acquire_lock(lock, WAIT_LOCK)


# --- workers -----------------------------------------------------------------------------------

def _wait_for_work(int number):
    """What a worker does, forever."""
    cdef Worker *self = &workers[number - 1]
    with nogil:
        while True:
            wait_for(self.begin)
            self.failed = work(work_on, number, work_parts) < 0
            if self.failed:
                with gil:
                    PyErr_Clear()
            PyThread_release_lock(self.done)


cdef int hire(int count) except -1:
    """See to it that there are so many workers, if the system has the threads; the number."""
    global hired
    cdef Worker *next_one
    while hired < count:
        next_one = &workers[hired]
        next_one.begin, next_one.done = PyThread_allocate_lock(), PyThread_allocate_lock()
        if next_one.begin == NULL or next_one.done == NULL:
            break
        PyThread_acquire_lock(next_one.begin, WAIT_LOCK)
        PyThread_acquire_lock(next_one.done, WAIT_LOCK)
        hired += 1   # first: Python may run another thread, which hires too, while this one starts
        try:
            _thread.start_new_thread(_wait_for_work, (hired,))
        except RuntimeError:   # no more threads, or, as in a browser, none at all
            hired -= 1
            break
    return min(hired, count)


def _forget_workers():
    """After a fork there is one thread; what the others held they will never give back."""
    global hired, desk
    hired, desk = 0, PyThread_allocate_lock()


_forget_workers()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)


# --- work --------------------------------------------------------------------------------------

cdef int enough_parts(double size, double share) except -1:
    """In how many parts to do work of that size, each of one share or more; hires for it."""
    cdef int parts = <int>min(<double>allowed, size / share)
    return 1 + hire(parts - 1) if parts > 1 else 1


cdef int in_parts(Part part, void *task, int parts) except -1 nogil:
    """part(task, number, parts) for each number below `parts`."""
    global work, work_on, work_parts
    cdef int i, outcome = 0
    if parts > 1 and PyThread_acquire_lock(desk, NOWAIT_LOCK):
        work, work_on, work_parts = part, task, parts
        for i in range(1, parts):
            PyThread_release_lock(workers[i - 1].begin)
        outcome = part(task, 0, parts)
        for i in range(1, parts):
            wait_for(workers[i - 1].done)
            if workers[i - 1].failed and outcome == 0:   # for want of memory: here it is raised
                outcome = part(task, i, parts)
        PyThread_release_lock(desk)
        return outcome
    for i in range(parts):
        outcome = part(task, i, parts)
        if outcome < 0:
            break
    return outcome


cdef int one_call(void *task, int part, int parts) except -1 nogil:
    with gil:
        function, arguments, results = <tuple>task
        results.append(function(*arguments, part, parts))
    return 0


cdef bint call_in_parts(object function, tuple arguments, int parts) except -1:
    """Whether function(*arguments, number, parts) is true for any number below `parts`.

    For kernels whose arguments are arrays: each part takes the GIL to look at them, and its loops
    run without.
    """
    if parts == 1:
        return function(*arguments, 0, 1)
    cdef list results = []
    cdef tuple call = (function, arguments, results)
    cdef void *task = <void *>call
    with nogil:
        in_parts(<Part>one_call, task, parts)
    return any(results)


# --- how many ----------------------------------------------------------------------------------

def allow(count):
    """Let at most so many threads work on one thing; `threads.py` has checked the number."""
    global allowed
    allowed = min(count, MOST)


def allowed_threads():
    return allowed
