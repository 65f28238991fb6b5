"""The invariants of the cache by their IDs, and the tests that hold them (cache.md C15)."""

from __future__ import annotations

import pytest

from tests.named import is_there

HERE = "tests/cache"
INVARIANTS: dict[str, tuple[str, ...]] = {
    "K1": (
        f"{HERE}/test_recipe.py::test_different_recipes_have_different_encodings",
        f"{HERE}/test_recipe.py::test_order_and_repetition_do_not_matter",
    ),
    "K2": ("tests/cli/test_key_changes.py",),
    "K3": (f"{HERE}/test_recipe.py::test_the_key_is_the_same_in_every_surrounding",),
    "K4": (f"{HERE}/test_recipe.py::test_the_layout_of_the_original_stays_understood",),
    "S1": (f"{HERE}/test_store_race.py",),
    "S2": ("tests/faults/test_power_loss.py::test_a_kill_at_any_call",),
    "S3": (
        f"{HERE}/test_store_faults.py::test_a_failure_at_any_call_of_a_store_is_only_not_stored",
        f"{HERE}/test_restore_faults.py::test_a_failure_at_any_call_leaves_everything_as_it_was",
    ),
    "S4": (
        "tests/cli/test_cache_promises.py::test_what_is_not_stored",
        "tests/cli/test_cache_promises.py::test_an_interrupted_success_is_not_stored",
    ),
    "S5": (
        "tests/faults/test_power_loss.py::test_power_that_fails_at_any_call",
        "tests/faults/test_power_loss.py"
        "::test_a_durable_store_loses_nothing_that_it_has_acknowledged",
    ),
    "R1": (f"{HERE}/test_restore.py::test_a_hit_equals_the_fresh_run_whatever_happened_before",),
    "R2": (
        f"{HERE}/test_restore_faults.py::test_a_failure_at_any_call_leaves_everything_as_it_was",
        f"{HERE}/test_restore_single.py::test_a_failure_at_any_call_leaves_the_file_as_it_was",
    ),
    "R3": (
        f"{HERE}/test_restore_attack.py",
        f"{HERE}/test_restore.py::test_a_parent_that_leads_outside_is_a_miss",
        f"{HERE}/test_audit.py::test_files_of_others_are_named_and_never_touched",
    ),
    "R4": (
        f"{HERE}/test_restore.py::test_what_is_right_is_not_touched",
        f"{HERE}/test_restore_single.py::test_nothing_is_made_where_nothing_is_written",
    ),
    "V1": (f"{HERE}/test_damage.py::test_every_byte_of_an_entry",),
    "V2": (f"{HERE}/test_manifest.py::test_no_manifest_raises",),
    "F1": (
        f"{HERE}/test_fingerprint.py::test_1000_edits_of_equal_size_are_all_seen",
        f"{HERE}/test_fingerprint.py::test_no_history_leaves_a_stale_digest",
    ),
    "F2": ("tests/engine/test_shortcuts_deep.py",),
    "P1": (
        "tests/cli/test_run_together.py::test_each_command_runs_once",
        "tests/faults/test_together.py",
    ),
    "P2": (
        "tests/cli/test_run_together.py::test_a_clean_during_runs_is_not_noticed",
        "tests/cli/test_run_together.py::test_a_clear_during_runs_makes_nobody_fail",
        "tests/faults/test_together.py",
    ),
    "P3": ("tests/cli/test_run_together.py::test_the_others_go_on_when_a_process_is_killed",),
    "G1": (f"{HERE}/test_collect.py::test_blobs_that_no_entry_has_go_with_any_cleaning",),
    "C1": ("tests/cli/test_cache_commands.py", "tests/cli/test_rows.py"),
    "C2": ("tests/cli/test_cache_promises.py::test_both_programs_take_turns",),
    "C3": ("tests/cli/test_cache_promises.py::test_looking_leaves_the_tree_as_it_was",),
    "C4": ("tests/cli/test_cache_promises.py::test_any_file_of_the_cache_may_be_damaged",),
}


@pytest.mark.parametrize("id", INVARIANTS)
def test_what_holds_an_invariant_is_there(id: str) -> None:
    """The files and functions that are named for it."""
    assert all(map(is_there, INVARIANTS[id]))


def test_there_are_25_invariants() -> None:
    """As many as the specification has."""
    assert len(INVARIANTS) == 25
