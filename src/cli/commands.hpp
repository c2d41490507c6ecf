#pragma once

namespace CLI {
class App;
}

/// The subcommands of `deltadrop`. Each function adds its command to the program. The chosen command runs
/// inside parse() and sets the exit code: 0 success, 1 only if the command documents it, 2 trouble.
namespace deltadrop::cli {

void add_dev_command(CLI::App& program, int& exit_code);
void add_serve_command(CLI::App& program, int& exit_code);
void add_consume_command(CLI::App& program, int& exit_code);
void add_conflict_command(CLI::App& program, int& exit_code);
void add_dead_letters_command(CLI::App& program, int& exit_code);
void add_config_command(CLI::App& program, int& exit_code);
void add_keys_command(CLI::App& program, int& exit_code);
void add_lake_command(CLI::App& program, int& exit_code);
void add_republish_command(CLI::App& program, int& exit_code);
void add_migrate_command(CLI::App& program, int& exit_code);
void add_rebuild_command(CLI::App& program, int& exit_code);
void add_clock_command(CLI::App& program, int& exit_code);
void add_tables_command(CLI::App& program, int& exit_code);
void add_versions_command(CLI::App& program, int& exit_code);
void add_records_command(CLI::App& program, int& exit_code);
void add_history_command(CLI::App& program, int& exit_code);
void add_events_command(CLI::App& program, int& exit_code);
void add_why_command(CLI::App& program, int& exit_code);
void add_upload_command(CLI::App& program, int& exit_code);
void add_version_command(CLI::App& program, int& exit_code);

}  // namespace deltadrop::cli
