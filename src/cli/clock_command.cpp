#include <fmt/format.h>
#include <simdjson.h>

#include <string>

#include <CLI/CLI.hpp>

#include "app/data_dir.hpp"
#include "cli/commands.hpp"
#include "cli/server_requests.hpp"
#include "cli/settings_options.hpp"
#include "ingest/ingest.hpp"
#include "io/clock.hpp"

namespace deltadrop::cli {
namespace {

enum class Wanted : std::uint8_t { show, accept };

/// The clock's state, from a server or from this command's own check.
struct SeenClock {
  bool plausible = true;
  std::string now;
  std::string trouble;
};

Result<SeenClock> request_clock(const ServerEndpoint& server, Wanted wanted) {
  const bool accepts = wanted == Wanted::accept;
  DD_TRY(const auto response,
         send_request(server, accepts ? "POST" : "GET", accepts ? "/api/v1/clock/accept" : "/api/v1/clock"));
  SeenClock seen;
  simdjson::dom::parser parser;
  simdjson::dom::element answer;
  if (response.status != 200 || parser.parse(response.body).get(answer) != simdjson::SUCCESS ||
      answer["plausible"].get(seen.plausible) != simdjson::SUCCESS) {
    return refused(server, response);
  }
  seen.now = text_of(answer, "now");
  seen.trouble = text_of(answer, "trouble");
  return seen;
}

Result<SeenClock> look_here(const app::Settings& settings, Wanted wanted) {
  DD_TRY(const auto data_dir, app::lock_existing_data_dir(settings));
  io::SystemClock clock;
  const auto& options = settings.ingest;
  DD_TRY(const auto report, wanted == Wanted::accept ? ingest::accept_clock(options, clock)
                                                     : ingest::look_at_clock(options, clock));
  return SeenClock{report.state != io::ClockState::wrong, report.now.to_string(),
                   report.trouble ? report.trouble->text() : std::string()};
}

/// Returns exit code 2 while uploads are rejected, so that a script can detect it.
Result<int> run(const app::Settings& settings, Wanted wanted) {
  const auto server = running_server(settings);
  DD_TRY(const auto seen, server ? request_clock(*server, wanted) : look_here(settings, wanted));
  if (wanted == Wanted::accept) {
    fmt::print("accepted: the clock is right, it is {}\n", seen.now);
  } else if (seen.trouble.empty()) {
    fmt::print("nothing speaks against the clock: it is {}\n", seen.now);
  } else {
    fmt::print("{}\nuploads are {}\n", seen.trouble, seen.plausible ? "taken" : "refused until then");
  }
  return seen.plausible ? 0 : 2;
}

void add_one(CLI::App& group, const std::string& name, const std::string& help, int& exit_code,
             Wanted wanted) {
  auto* command = group.add_subcommand(name, help);
  const auto flags = add_settings_options(*command);
  command->callback([flags, wanted, &exit_code] {
    exit_code =
        run_with_settings(*flags, [&](const app::Settings& settings) { return run(settings, wanted); });
  });
}

}  // namespace

void add_clock_command(CLI::App& program, int& exit_code) {
  auto* group = program.add_subcommand("clock", "whether the clock is plausible; agree that it is right");
  group->require_subcommand(1);
  add_one(*group, "show", "what speaks against the clock, if anything does", exit_code, Wanted::show);
  add_one(*group, "accept", "the clock is right as it is: take uploads again", exit_code, Wanted::accept);
  group->footer(
      "Uploads get their timestamps from the clock, for ever. So they are refused while it differs by more "
      "than\n"
      "CLOCK_JUMP_MAX from the time that was measured, or from the newest version's timestamp. Asks the "
      "server\n"
      "that runs on DATA_DIR; where none does, the next start knows. A server with keys wants one of role "
      "admin:\n"
      "DELTADROP_KEY.\n\n"
      "Examples:\n"
      "  deltadrop clock show\n"
      "  deltadrop clock accept");
}

}  // namespace deltadrop::cli
