"""The rows of the catalogue: their numbers, section by section.

``COVERED_ELSEWHERE`` names tests of other folders that show what a row asks for: a file, or a
file and a function. A test of this folder says its row with ``@pytest.mark.row("A01")``.
"""

from __future__ import annotations

SECTIONS = {
    "A": ("signals and cancellation", 15),
    "B": ("processes, pipes, descendants", 17),
    "C": ("death of haz, crash consistency", 12),
    "D": ("resource exhaustion", 14),
    "Q": ("streams and terminal", 13),
    "F": ("several haz processes, time", 8),
    "G": ("inputs", 12),
    "H": ("outputs and restore", 16),
    "I": ("tampered cache and hostile config", 16),
    "J": ("graph, scheduler, mutex", 15),
    "K": ("names, environment, secrets", 7),
    "L": ("terminal, job control, inheritance", 16),
}
ROWS = tuple(
    f"{letter}{number:02}"
    for letter, (_, count) in SECTIONS.items()
    for number in range(1, count + 1)
)

# What cannot be tried here, and why; at most ten.
NOT_HERE: dict[str, str] = {
    "D14": "nothing watches files yet, so there is no limit of a watcher to fall back from",
    "G09": "needs a file system that folds letters; none can be made without a loop device",
    "I06": "nothing in the cache is compressed, so no entry can expand",
    "I13": "no cache is shared with others yet, so there is nothing to sign",
    "K05": "no setting declares a secret, so nothing can be redacted in what tasks print",
    "L06": "no task is given the terminal: there is no such setting",
}

COVERED_ELSEWHERE: dict[str, tuple[str, ...]] = {
    "A03": ("tests/process/test_stop.py::test_a_command_that_does_not_obey",),
    "A04": (
        "tests/process/test_stop.py::test_last_words_are_heard",
        "tests/cli/test_run_signals.py::test_the_last_words_of_a_task_are_printed",
    ),
    "A06": ("tests/process/test_stop.py::test_a_stopped_command_is_continued",),
    "A07": (
        "tests/process/test_stop.py::test_telling_ends_the_grace",
        "tests/cli/test_run_signals.py::test_two_presses_kill",
    ),
    "A11": (
        "tests/process/test_stop.py::test_an_abort_kills_at_once",
        "tests/process/test_leaks.py::test_an_abort_at_any_moment_of_a_life",
        "tests/engine/test_engine_stops.py::test_a_cancelled_caller_asks_first",
        "tests/engine/test_engine_stops.py::test_a_caller_cancelled_at_any_moment_leaves_nothing",
    ),
    "A12": (
        "tests/process/test_supervise.py::test_a_signal_is_told_apart_from_a_status",
        "tests/engine/test_worker.py::test_a_death_by_signal_is_a_failure",
    ),
    "B01": (
        "tests/process/test_supervise.py"
        "::test_who_outlives_the_command_in_its_group_is_ended_and_named",
        "tests/engine/test_engine.py::test_leftovers_end_are_named_and_prevent_storing",
    ),
    "B02": ("tests/process/test_supervise.py::test_what_a_leftover_wrote_until_its_end_is_kept",),
    "B03": ("tests/process/test_pumps.py::test_a_full_pipe_at_the_end_is_read",),
    "B04": (
        "tests/process/test_supervise.py::test_who_holds_a_pipe_is_named_and_survives_a_success",
        "tests/process/test_supervise.py::test_who_holds_a_pipe_is_ended_after_a_failure",
        "tests/process/test_guard.py::test_a_daemon_of_a_failure_is_ended",
    ),
    "B05": (
        "tests/process/test_guard.py::test_a_daemon_of_a_failure_is_ended",
        "tests/process/test_guard.py::test_the_daemons_of_commands_that_end_together",
        "tests/cli/test_doctor.py::test_containment",
    ),
    "B06": ("tests/process/test_cells.py::test_who_is_born_in_a_cell_stays_in_it",),
    "B07": (
        "tests/process/test_spawn.py::test_a_reaped_number_is_never_signalled",
        "tests/process/test_family.py::test_nobody_belongs_to_a_number_that_was_given_back",
        "tests/process/test_watchdog.py::test_a_stranger_with_the_number_of_a_command_is_spared",
    ),
    "B09": ("tests/process/test_lookup.py",),
    "B10": (
        "tests/process/test_spawn.py::test_a_busy_file_is_tried_again",
        "tests/process/test_spawn.py::test_a_file_that_stays_busy_is_named",
    ),
    "B11": ("tests/process/test_spawn.py::test_a_cancellation_during_the_start_loses_no_child",),
    "B12": ("tests/process/test_supervise.py::test_pipes_that_close_early_do_not_end_a_command",),
    "B13": ("tests/process/test_guard.py::test_the_adopted_dead_are_taken_down",),
    "B14": (
        "tests/process/test_signals.py::test_ignored_sigchld_is_refused",
        "tests/process/test_spawn.py::test_a_status_that_somebody_else_took_is_no_success",
    ),
    "C05": ("tests/process/test_watchdog.py::test_a_killed_host_takes_its_commands_along",),
    "C06": ("tests/process/test_watchdog.py::test_a_killed_watchdog_is_told_of_and_replaced",),
    "C09": ("tests/cache/test_damage.py",),
    "D01": (
        "tests/cache/test_store_faults.py",
        "tests/cli/test_run_disks.py::test_a_full_cache_is_one_line",
    ),
    "D02": (
        "tests/cli/test_run_disks.py::test_a_restore_that_has_no_room_is_undone_and_the_task_runs",
        "tests/cli/test_run_disks.py::test_a_full_workspace_is_the_commands_failure",
    ),
    "D03": (
        "tests/cache/test_store_faults.py"
        "::test_a_failure_at_any_call_of_a_store_is_only_not_stored",
        "tests/cache/test_restore_faults.py"
        "::test_a_failure_at_any_call_leaves_everything_as_it_was",
    ),
    "D04": (
        "tests/cli/test_run_disks.py::test_a_read_only_cache_still_hits",
        "tests/cache/test_store_users.py::test_a_read_only_cache_hits_and_does_not_store",
    ),
    "D05": (
        "tests/cache/test_store_root.py::test_a_cache_removed_during_a_run_is_made_again",
        "tests/cli/test_run_disks.py::test_a_file_in_the_place_of_the_cache",
        "tests/cli/test_run_disks.py::test_a_cache_that_goes_away_while_a_command_runs",
    ),
    "D06": ("tests/process/test_spawn.py::test_no_descriptors_left",),
    "D08": ("tests/process/test_spawn.py::test_no_room_for_a_process",),
    "D11": (
        "tests/output/test_console.py::test_a_slow_reader_slows_those_who_wait",
        "tests/engine/test_library.py::test_who_stops_reading_stops_the_talkers_and_not_the_end",
    ),
    "D12": (
        "tests/cache/test_streams.py::test_a_full_disk_stops_keeping_and_not_the_task",
        "tests/cli/test_run_disks.py::test_a_full_folder_for_temporary_files",
    ),
    "F07": ("tests/cache/test_fingerprint.py",),
    "G01": ("tests/engine/test_engine.py::test_an_input_edited_meanwhile_is_not_stored",),
    "G05": (
        "tests/cache/test_inputs.py::test_a_literal_that_is_a_fifo_is_refused_without_waiting",
        "tests/cache/test_walk.py::test_what_is_no_file_is_passed_over_and_remembered",
    ),
    "G07": ("tests/cache/test_inputs.py::test_what_may_not_be_read_is_named",),
    "G10": ("tests/cache/test_recipe.py::test_different_recipes_have_different_encodings",),
    "G11": ("tests/cache/test_recipe.py::test_the_key_is_the_same_in_every_surrounding",),
    "H03": ("tests/cache/test_restore.py::test_a_link_in_the_place_of_a_folder_is_replaced",),
    "H05": ("tests/cache/test_restore.py::test_everything_comes_back_as_it_was",),
    "H06": (
        "tests/cache/test_store.py::test_setuid_bits_are_stripped_with_a_note",
        "tests/cache/test_store.py::test_fifos_and_sockets_in_a_glob_are_passed_over",
    ),
    "H08": ("tests/cache/test_restore.py::test_a_restored_file_shares_nothing_with_the_cache",),
    "H10": (
        "tests/cache/test_restore.py::test_a_hit_equals_the_fresh_run_whatever_happened_before",
    ),
    "H11": ("tests/engine/test_worker.py::test_a_missing_output_breaks",),
    "H14": (
        "tests/cache/test_restore_faults.py::test_a_killed_restore_is_undone_by_the_next_run",
    ),
    "I01": ("tests/cache/test_damage.py::test_hostile_manifests_with_paths",),
    "I03": ("tests/cache/test_damage.py::test_a_link_that_leads_outside_is_a_miss",),
    "I04": ("tests/cache/test_damage.py::test_every_byte_of_an_entry",),
    "I05": ("tests/cache/test_manifest.py",),
    "I07": ("tests/config/test_yaml_dialect.py",),
    "I08": ("tests/config/test_files_properties.py",),
    "J03": (
        "tests/plan/test_gates.py",
        "tests/plan/test_plan_properties.py::test_one_slot_gives_the_order_of_the_reference_model",
    ),
    "J05": ("tests/engine/test_engine_violations.py::test_two_writers_of_one_file_end_the_run",),
    "J06": ("tests/engine/test_engine_violations.py::test_a_circle_of_files_ends_the_run",),
    "J08": (
        "tests/engine/test_loop.py::test_a_failure_skips_what_depends_on_it",
        "tests/plan/test_machine.py::test_a_failure_skips_all_that_depends_on_it_at_once",
        "tests/plan/test_machine.py::test_the_first_cause_of_a_skip_wins",
        "tests/engine/test_loop.py::test_the_outcome_does_not_depend_on_time_or_slots",
    ),
    "J13": ("tests/plan/test_interleavings.py",),
    "K03": ("tests/cli/test_run.py::test_the_environment_is_exactly_what_was_declared",),
    "L01": (
        "tests/process/test_spawn.py::test_standard_input_is_at_its_end",
        "tests/cli/test_run.py::test_a_task_reads_an_empty_stdin",
    ),
    "L02": ("tests/process/test_spawn.py::test_a_child_leads_its_own_session_without_a_terminal",),
    "L07": ("tests/process/test_signals.py::test_children_start_with_default_handling",),
    "L08": ("tests/process/test_signals.py::test_children_start_with_default_handling",),
    "L09": ("tests/process/test_spawn.py::test_a_child_has_three_descriptors",),
    "L10": ("tests/cache/test_store_root.py::test_an_odd_umask_changes_nothing",),
    "L16": ("tests/process/test_supervise.py::test_a_host_may_run_commands_in_a_thread",),
    "Q01": ("tests/process/test_pumps.py::test_streams_arrive_byte_for_byte",),
    "Q07": ("tests/cli/test_run.py::test_a_reader_that_leaves_ends_only_the_printing",),
    "Q08": (
        "tests/cli/test_run.py::test_a_full_disk_behind_stdout_is_one_line_and_exit_code_1",
        "tests/cli/test_run.py::test_a_closed_stream_harms_nothing",
    ),
    "Q09": (
        "tests/output/test_streams.py::test_a_descriptor_that_does_not_block_keeps_its_flags",
    ),
    "Q10": ("tests/cli/test_run_signals.py::test_a_stalled_reader_does_not_hold_up_a_stop",),
    "F01": (
        "tests/cli/test_run_together.py::test_each_command_runs_once",
        "tests/cli/test_run_together.py::test_missing_outputs_are_restored_by_many_at_once",
    ),
    "F03": (
        "tests/cli/test_run_together.py::test_a_clean_during_runs_is_not_noticed",
        "tests/cli/test_run_together.py::test_a_clear_during_runs_makes_nobody_fail",
        "tests/cache/test_collect_live.py::test_a_run_waits_while_its_entry_is_removed",
    ),
    "F04": (
        "tests/cli/test_run_together.py::test_the_others_go_on_when_a_process_is_killed",
        "tests/cache/test_locks.py::test_a_lock_dies_with_its_process",
    ),
    "F05": (
        "tests/cache/test_locks.py::test_where_no_bytes_can_be_locked_files_are",
        "tests/cache/test_locks.py::test_where_nothing_can_be_locked_nobody_is_kept_out",
        "tests/cache/test_locks_claims.py::test_without_locks_everything_is_granted_and_told_once",
    ),
    "G03": (
        "tests/cache/test_fingerprint.py::test_real_edits_with_restored_times_are_seen",
        "tests/cache/test_fingerprint.py::test_an_old_file_in_the_place_of_another_is_seen",
    ),
    "H01": (
        "tests/config/test_files_refused.py::test_a_refused_path_comes_with_a_way_out",
        "tests/config/test_files_refused.py::test_patterns_are_checked",
        "tests/model/test_patterns.py::test_malformed_paths_are_refused_with_a_reason",
    ),
    "H02": (
        "tests/cache/test_restore.py::test_a_parent_that_leads_outside_is_a_miss",
        "tests/cache/test_store.py::test_an_output_that_leads_outside_is_not_stored",
    ),
    "H13": (
        "tests/graph/test_build.py::test_a_shared_literal_output_names_its_tasks",
        "tests/engine/test_engine_violations.py::test_two_writers_of_one_file_end_the_run",
    ),
    "I12": (
        "tests/cache/test_damage.py::test_a_sealed_lie_is_a_miss",
        "tests/cache/test_audit.py::test_an_entry_under_another_key_is_damage",
    ),
    "I14": ("tests/cache/test_secret.py::test_it_is_made_once_for_its_owner_alone",),
    "J01": (
        "tests/plan/test_cost.py::test_a_hundred_thousand_tasks",
        "tests/plan/test_cost.py::test_no_shape_needs_a_deep_stack",
        "tests/graph/test_graph.py::test_a_deep_chain_is_closed_without_recursion",
        "tests/graph/test_graph.py::test_a_million_edges_are_groups",
    ),
    "J02": (
        "tests/graph/test_build.py::test_a_long_cycle_is_cut_short",
        "tests/graph/test_build.py::test_the_shortest_cycle_is_shown",
        "tests/graph/test_build.py::test_a_reference_to_the_task_itself",
        "tests/graph/test_build.py::test_a_literal_that_a_glob_makes_can_close_a_cycle",
    ),
    "J09": (
        "tests/plan/test_policy.py::test_a_failure_after_a_stop_stops_nothing_again",
        "tests/plan/test_machine.py::test_what_a_command_says_after_a_stop_still_counts",
        "tests/plan/test_machine.py::test_the_first_cause_of_a_skip_wins",
    ),
    "J10": (
        "tests/plan/test_machine.py::test_what_a_look_says_after_a_stop_still_counts",
        "tests/engine/test_worker.py::test_a_stop_before_the_look_reads_nothing",
    ),
    "J15": (
        "tests/plan/test_selection.py::test_caps_below_one_are_refused",
        "tests/config/test_files_refused.py::test_default_concurrency_is_auto_or_a_bare_number",
        "tests/config/test_files_accepted.py::test_spellings_of_whole_numbers",
        "tests/cli/test_run_additions.py::test_bad_words_get_a_clear_sentence",
    ),
    "K07": (
        "tests/cli/test_command_line.py::test_a_fault_of_ours_is_reported_without_a_traceback",
    ),
    "Q12": (
        "tests/output/test_renderers.py::test_buffered_is_stdout_then_stderr_then_the_summary",
    ),
    "Q11": (
        "tests/output/test_palette.py::test_colour_choice",
        "tests/output/test_palette.py::test_terminal_width",
    ),
}
