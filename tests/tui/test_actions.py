"""The table of keys obeys the design."""

import itertools

import pytest

from tui import panes
from tui.actions import ACTIONS, BY_ID, LISTS, here
from tui.app import MidwatchApp
from tui.screens.help import help_text

FORBIDDEN = {f"ctrl+{letter}" for letter in "sqbazw"}


def test_no_two_actions_share_a_key_in_one_pane() -> None:
    for one, other in itertools.combinations(ACTIONS, 2):
        if set(one.keys) & set(other.keys):
            assert one.where, (one.id, other.id)
            assert other.where, (one.id, other.id)
            assert not set(one.where) & set(other.where), (one.id, other.id)


def test_no_forbidden_chord_and_no_function_key() -> None:
    bound = {key for action in ACTIONS for key in action.keys}
    assert not bound & FORBIDDEN
    assert not {key for key in bound if key.startswith(("ctrl+", "alt+")) or (key[0] == "f" and key[1:].isdigit())}
    assert not bound & set(panes.NUMBERS.values())


def test_ids_are_unique_and_panes_exist() -> None:
    assert len(BY_ID) == len(ACTIONS)
    ids = {spec.id for spec in panes.PANES}
    assert {pane for action in ACTIONS for pane in action.where} <= ids == set(LISTS)
    assert set(panes.NUMBERS) <= ids


def test_later_features_have_no_keys_yet() -> None:
    assert not {key for action in ACTIONS for key in action.keys} & {"l"}


def test_every_built_in_action_is_answered_by_the_application() -> None:
    for action in ACTIONS:
        assert hasattr(MidwatchApp, f"shell_{action.id}") == action.built_in, action.id


@pytest.mark.parametrize("pane", LISTS)
def test_what_a_pane_does_not_answer_is_not_offered(pane: str) -> None:
    assert all(action.built_in for action in here(pane, ()))
    offered = {action.id for action in here(pane, BY_ID)}
    assert offered == {action.id for action in ACTIONS if not action.where or pane in action.where}


def test_help_names_every_key_of_the_pane() -> None:
    actions = here("alerts", BY_ID)
    page = help_text("Alerts", actions, panes.PANES, mode="RW").plain
    assert all(action.help in page and action.shown_keys in page for action in actions)


def test_registered_panes_can_be_loaded_and_answer_what_the_table_says() -> None:
    for spec in panes.PANES:
        pane = spec.load()
        unknown = {name.removeprefix("do_") for name in dir(type(pane)) if name.startswith("do_")} - set(BY_ID)
        assert not unknown, (spec.id, unknown)


def test_textuals_own_chords_are_unbound() -> None:
    bound = set(MidwatchApp.BINDINGS and MidwatchApp._merged_bindings.key_to_bindings)  # type: ignore[union-attr]
    assert not bound & (FORBIDDEN | {"ctrl+p"})
    assert MidwatchApp.ENABLE_COMMAND_PALETTE is False
