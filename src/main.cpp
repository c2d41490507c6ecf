#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/process_limits.hpp"
#include "cli/commands.hpp"
#include "cli/diff_command.hpp"
#include "cli/standard_output.hpp"
#include "core/exhausted.hpp"

namespace {

/// Says so where a word stands in the place of a command and is none ("deltadrop lake foo"): the parser would
/// only say that a command is required.
bool names_unknown_command(const CLI::App& program, int argc, char** argv) {
  const CLI::App* group = &program;
  std::string words = "deltadrop";
  for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
    const auto commands = group->get_subcommands([](const CLI::App*) { return true; });
    if (commands.empty()) return false;
    const auto found = std::find_if(commands.begin(), commands.end(),
                                    [&](const CLI::App* command) { return command->check_name(argv[i]); });
    if (found == commands.end()) {
      std::fprintf(stderr, "deltadrop: there is no command \"%s\"%s\n  fix: see `%s --help`\n", argv[i],
                   i > 1 ? (" of `" + words + "`").c_str() : "", words.c_str());
      return true;
    }
    group = *found;
    words += " " + group->get_name();
  }
  return false;
}

/// In the parser's order, the last one first. "--data-dir=" (of a shell's unset variable) is given an empty
/// value; the parser would take the next word for it.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> arguments;
  bool options = true;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    options = options && word != "--";
    const bool is_empty = options && word.starts_with("--") && word.find('=') == word.size() - 1;
    arguments.push_back(is_empty ? word.substr(0, word.size() - 1) : word);
    if (is_empty) arguments.emplace_back();
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

int run(int argc, char** argv) {
  CLI::App program("Deltadrop: drop a new version of a CSV file, get its deltas.", "deltadrop");
  program.require_subcommand(1);
  program.set_version_flag("--version", "deltadrop " DELTADROP_VERSION);
  int exit_code = 0;
  deltadrop::cli::add_dev_command(program, exit_code);
  deltadrop::cli::add_serve_command(program, exit_code);
  deltadrop::cli::add_consume_command(program, exit_code);
  deltadrop::cli::add_diff_command(program, exit_code);
  deltadrop::cli::add_upload_command(program, exit_code);
  deltadrop::cli::add_tables_command(program, exit_code);
  deltadrop::cli::add_versions_command(program, exit_code);
  deltadrop::cli::add_records_command(program, exit_code);
  deltadrop::cli::add_history_command(program, exit_code);
  deltadrop::cli::add_events_command(program, exit_code);
  deltadrop::cli::add_why_command(program, exit_code);
  deltadrop::cli::add_dead_letters_command(program, exit_code);
  deltadrop::cli::add_conflict_command(program, exit_code);
  deltadrop::cli::add_keys_command(program, exit_code);
  deltadrop::cli::add_republish_command(program, exit_code);
  deltadrop::cli::add_lake_command(program, exit_code);
  deltadrop::cli::add_migrate_command(program, exit_code);
  deltadrop::cli::add_rebuild_command(program, exit_code);
  deltadrop::cli::add_clock_command(program, exit_code);
  deltadrop::cli::add_config_command(program, exit_code);
  deltadrop::cli::add_version_command(program, exit_code);
  // Behind the commands, which would take it as theirs.
  program.footer(
      "Examples:\n"
      "  deltadrop dev                       run everything in one process\n"
      "  deltadrop serve                     the API, with Kafka\n"
      "  deltadrop consume                   the consumer, with Kafka and PostgreSQL\n"
      "  deltadrop diff old.csv new.csv      what changed between two files\n"
      "  deltadrop upload so-financials.csv  send a new version to the running server\n"
      "  deltadrop why so-financials financials FIN-0002 amount\n"
      "                                      which files changed a value, and where in them\n"
      "`deltadrop COMMAND --help` has the options of a command.");
  if (names_unknown_command(program, argc, argv)) return 2;
  try {
    program.parse(arguments_of(argc, argv));
  } catch (const CLI::ParseError& error) {
    // Help and version end here with 0; a wrong command line is trouble.
    return program.exit(error) == 0 ? 0 : 2;
  }
  return exit_code;
}

/// What was printed is a result too: a full disk behind `>` is trouble.
bool all_was_written() {
  std::cout.flush();
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
}

/// What a shell reports of a program that SIGPIPE ended. We do not let it: a server's client may close, too.
constexpr int kOutputClosed = 128 + SIGPIPE;

}  // namespace

int main(int argc, char** argv) {
  deltadrop::app::set_last_resort();
  int exit_code = 2;
  try {
    exit_code = run(argc, argv);
  } catch (const std::bad_alloc&) {
    throw;  // the last resort speaks without memory
  } catch (const std::exception& thrown) {
    // Whoever closed the pipe does not want to hear of it: `deltadrop events | head`.
    if (deltadrop::cli::output_is_closed()) return kOutputClosed;
    const auto known = deltadrop::exhausted(thrown);
    std::fprintf(stderr, "deltadrop: %s\n", known ? known->message.c_str() : thrown.what());
    if (known) {
      std::fprintf(stderr, "  fix: %s; limits: %s\n", known->fix.c_str(),
                   deltadrop::app::describe_process_limits().c_str());
    }
  }
  if (all_was_written()) return exit_code;
  if (deltadrop::cli::output_is_closed()) return kOutputClosed;
  if (exit_code == 0) {
    std::fputs(
        "deltadrop: standard output could not be written\n  fix: see where it goes to: a full disk, a closed "
        "pipe\n",
        stderr);
  }
  return 2;
}
