"""Walks over directed graphs."""

from hypothesis import given
from hypothesis import strategies as st

from seedbed.bank.graph import in_order

PAIRS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] > pair[1]), max_size=12)


def by_looking(names: list[str], after: list[tuple[int, int]], rather: list[tuple[int, int]]) -> list[int]:
    """The same order, found by looking through all that are left at each step."""
    left, done = set(range(len(names))), []
    while left:
        free = [place for place in left if not any(late == place and early in left for late, early in after)]
        best = [place for place in free if not any(late == place and early in left for late, early in rather)]
        done.append(min(best or free, key=lambda place: names[place]))
        left.remove(done[-1])
    return done


@given(st.permutations("abcdefgh"), PAIRS, st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12))
def test_the_order_is_that_of_looking_through_all_that_are_left(
    names: list[str], after: list[tuple[int, int]], rather: list[tuple[int, int]]
) -> None:
    rather = [pair for pair in rather if pair[0] != pair[1]]
    assert list(in_order(names, after, rather)) == by_looking(names, after, rather)


def test_a_long_chain_has_an_order() -> None:
    size = 20_000
    names = [f"{place:06d}" for place in reversed(range(size))]
    assert in_order(names, ((place + 1, place) for place in range(size - 1))) == tuple(range(size))
