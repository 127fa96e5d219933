"""Counter-based random numbers: each is a hash of its keys, independent of the order of drawing.

A generator has a state, so its n-th number needs the n - 1 before it. Here each number is a hash of what it
is for (seed, epoch, example, word, purpose), by the finaliser of SplitMix64 (Steele et al., OOPSLA 2014).
"""

import math

import numpy as np

from charbert.ragged import Array

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_FLOAT_BITS = 53
_ROUNDS = 6


def derive_keys(keys: Array | int, numbers: Array | int) -> Array:
    """A new key for each pair of a key and a number, as (N,) unsigned 64-bit integers."""
    # Arrays, since numpy warns where a lone number wraps around.
    keys, numbers = (np.atleast_1d(np.asarray(each)).astype(np.uint64) for each in (keys, numbers))
    mixed = keys + _STEP + (numbers + np.uint64(1)) * _STEP
    mixed ^= mixed >> _SHIFTS[0]
    mixed *= _FACTORS[0]
    mixed ^= mixed >> _SHIFTS[1]
    mixed *= _FACTORS[1]
    return mixed ^ (mixed >> _SHIFTS[2])


def uniform(keys: Array, purpose: int) -> Array:
    """A number from 0 to below 1 for each key; other purposes give other numbers."""
    return (derive_keys(keys, purpose) >> np.uint64(64 - _FLOAT_BITS)) * 2.0**-_FLOAT_BITS


def permute(positions: Array, size: int, key: Array | int) -> Array:
    """The numbers at these positions of a random permutation of 0 to `size - 1`.

    Computed position by position, without the whole permutation in memory: a Feistel network, which a number
    that leaves the range goes through again.
    """
    left_size = max(math.isqrt(max(size - 1, 0)) + 1, 1)
    right_size = -(-size // left_size)
    numbers = np.array(positions, np.uint64)
    walking = np.arange(len(numbers))
    while len(walking):
        left, right = np.divmod(numbers[walking], np.uint64(right_size))
        for turn in range(0, _ROUNDS, 2):
            left = (left + derive_keys(derive_keys(key, turn), right) % left_size) % left_size
            right = (right + derive_keys(derive_keys(key, turn + 1), left) % right_size) % right_size
        numbers[walking] = left * np.uint64(right_size) + right
        walking = walking[numbers[walking] >= size]
    return numbers.astype(np.int64)
