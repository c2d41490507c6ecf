#pragma once

// NOLINTNEXTLINE(readability-identifier-naming): CLI11's name
namespace CLI {
class App;
}

namespace deltadrop::cli {

/// Adds `deltadrop diff OLD NEW`. If it is chosen, parsing runs it and sets `exit_code` as diff(1) does: 0
/// equal, 1 different, 2 trouble. `exit_code` must outlive `app`.
void add_diff_command(CLI::App& app, int& exit_code);

}  // namespace deltadrop::cli
