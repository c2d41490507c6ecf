#pragma once

namespace CLI {
class App;
}

/// The commands of `deltadrop lake` that have their own files.
namespace deltadrop::cli {

void add_lake_export_command(CLI::App& group, int& exit_code);
void add_lake_views_command(CLI::App& group, int& exit_code);

}  // namespace deltadrop::cli
