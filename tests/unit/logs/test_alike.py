"""Texts that say the same but for their numbers are one line to a person."""

from domain.logs.alike import group_alike, said


def test_moments_numbers_and_ids_make_no_difference() -> None:
    """The same failure of another second, request and client."""
    first = "2026-11-23 17:46:16,600 POST /orders/12 failed for 4f3a-9bc1: refused"
    second = "2026-11-23 17:46:17,185 POST /orders/977 failed for 0e1d-2aaf: refused"
    assert said(first) == said(second)


def test_another_word_is_another_thing_to_say() -> None:
    """Only what holds a digit is left open."""
    assert said("disk sda1 full") != said("disk sda1 failing")


def test_of_a_stack_trace_its_first_line_speaks() -> None:
    """The frames below may differ."""
    assert said("boom 1\n  at a.py:3") == said("boom 2\n  at b.py:9")


def test_groups_keep_the_order_and_what_else_sets_them_apart() -> None:
    """Equal texts of two sources stay two groups; nothing is lost."""
    items = [("a", "failed 1"), ("b", "failed 2"), ("a", "started"), ("a", "failed 3")]
    groups = group_alike(items, lambda item: item[1], lambda item: item[0])
    assert groups == [[items[0], items[3]], [items[1]], [items[2]]]
