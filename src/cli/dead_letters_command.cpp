#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/parts.hpp"
#include "cli/commands.hpp"
#include "cli/open_history.hpp"
#include "cli/server_requests.hpp"
#include "cli/settings_options.hpp"
#include "consume/dead_letters.hpp"
#include "core/text.hpp"
#include "io/clock.hpp"

namespace deltadrop::cli {
namespace {

constexpr std::int64_t kLettersMax = 100'000;

struct Wanted {
  std::vector<std::string> ids;
  bool all = false;
  std::int64_t limit = 100;
};

enum class Access : std::uint8_t { read, write };

using Work = std::function<Result<int>(const app::Settings& settings, history::HistoryStore& history,
                                       const Wanted& wanted)>;

std::string origin_of(const history::DeadLetterEntry& entry) {
  if (!entry.letter.upload) return "no event";
  return fmt::format("{} version {}", entry.letter.upload->table.to_string(),
                     entry.letter.upload->version.value);
}

std::string state_of(const history::DeadLetterEntry& entry) {
  return entry.resolved_at ? "resolved " + entry.resolved_at->to_string() : "open";
}

Result<int> list(const app::Settings&, history::HistoryStore& history, const Wanted& wanted) {
  DD_TRY(const auto entries, history.dead_letters(wanted.limit));
  for (const auto& entry : entries) {
    if (entry.resolved_at && !wanted.all) break;  // resolved entries are last
    fmt::print("{}\t{}\t{}\t{}\t{}\n", entry.id().to_string(), entry.recorded_at.to_string(), state_of(entry),
               origin_of(entry), entry.letter.reason);
  }
  return 0;
}

Result<int> show(const app::Settings&, history::HistoryStore& history, const Wanted& wanted) {
  DD_TRY(const auto id, history::DeadLetterId::parse(wanted.ids.front()));
  DD_TRY(const auto found, consume::find_dead_letter(history, id));
  const auto& letter = found.letter;
  fmt::print(
      "id        {}\ntopic     {}, partition {}, offset {}\nrecorded  {}\nstate     {}\nof        {}\n",
      id.to_string(), letter.partition.topic, letter.partition.partition.value, letter.offset.value,
      found.recorded_at.to_string(), state_of(found), origin_of(found));
  if (letter.upload) fmt::print("upload    {}\n", letter.upload->upload_id.to_string());
  const bool is_text = find_invalid_utf8(letter.payload) == std::string_view::npos;
  fmt::print("reason    {}\npayload   {}\n{}\n", letter.reason, counted(letter.payload.size(), "byte"),
             is_text ? letter.payload : quoted_for_message(letter.payload));
  return 0;
}

/// Returns the given ids, or with --all those of every open letter that is an event.
Result<std::vector<history::DeadLetterId>> ids_of(history::HistoryStore& history, const Wanted& wanted) {
  std::vector<history::DeadLetterId> ids;
  for (const auto& text : wanted.ids) {
    DD_TRY(ids.emplace_back(), history::DeadLetterId::parse(text));
  }
  if (!wanted.all) return ids;
  DD_TRY(const auto entries, history.dead_letters(kLettersMax));
  for (const auto& entry : entries) {
    if (!entry.resolved_at && entry.letter.upload) ids.push_back(entry.id());
  }
  return ids;
}

/// Retries each letter. Returns 2 if any remains a dead letter.
Result<int> retry(const app::Settings& settings, history::HistoryStore& history, const Wanted& wanted) {
  if (wanted.ids.empty() && !wanted.all) {
    return Error{ErrorCode::invalid_input, "nothing-named", "which dead letters?",
                 "name their ids, or give --all"};
  }
  DD_TRY(const auto ids, ids_of(history, wanted));
  int exit_code = 0;
  io::SystemClock clock;
  for (const auto& id : ids) {
    const auto retried = consume::retry_dead_letter(history, id, clock.now());
    if (!retried) {
      exit_code = report_trouble(settings, retried.error());
      continue;
    }
    const auto found = history.upload(retried.value().upload_id);
    if (!found) {
      exit_code = report_trouble(settings, found.error());
      continue;
    }
    fmt::print("{} {}\n", id.to_string(),
               retried.value().was_resolved ? "was resolved already" : "is recorded and resolved");
    const auto& upload = found.value();
    if (!upload) continue;
    fmt::print("  version {} of {}: {}, {} of {} recorded\n", upload->facts.version.value,
               upload->facts.table.to_string(), history::to_string(upload->state), upload->recorded,
               counted(upload->facts.total, "event"));
  }
  if (ids.empty()) fmt::print("no dead letter is to be retried\n");
  return exit_code;
}

Error dev_writes(const app::Settings& settings) {
  const auto server = running_server(settings);
  return written_by_dev(settings,
                        fmt::format("ask it: POST {}/api/v1/dead-letters/ID/retry; or stop it first",
                                    server ? server->address : std::string()));
}

int run(const SettingsFlags& flags, const Wanted& wanted, Access access, const Work& work) {
  return run_with_settings(flags, [&](const app::Settings& settings) -> Result<int> {
    DD_TRY(const auto stored, open_history(settings, "deltadrop dead-letters"));
    if (access == Access::write && !stored.writable) return dev_writes(settings);
    return work(settings, *stored.history, wanted);
  });
}

CLI::App* add_one(CLI::App& group, const std::string& name, const std::string& help, int& exit_code,
                  const std::shared_ptr<Wanted>& wanted, Access access, const Work& work) {
  auto* command = group.add_subcommand(name, help);
  const auto flags = add_settings_options(*command);
  command->callback(
      [flags, wanted, access, work, &exit_code] { exit_code = run(*flags, *wanted, access, work); });
  return command;
}

}  // namespace

void add_dead_letters_command(CLI::App& program, int& exit_code) {
  auto* group = program.add_subcommand("dead-letters",
                                       "messages that are no event, and events that the database refused");
  group->require_subcommand(1);
  const auto wanted = std::make_shared<Wanted>();
  auto* listing =
      add_one(*group, "list", "those that are open, newest first", exit_code, wanted, Access::read, list);
  listing->add_flag("--all", wanted->all, "those that are resolved, too");
  listing->add_option("--limit", wanted->limit, "at most so many [100]")->check(CLI::Range(1L, kLettersMax));
  add_one(*group, "show", "one of them, with its message", exit_code, wanted, Access::read, show)
      ->add_option("ID", wanted->ids, "TOPIC_ID.PARTITION.OFFSET, as in the list")
      ->required()
      ->expected(1);
  auto* again = add_one(*group, "retry", "record it again, once the reason is removed", exit_code, wanted,
                        Access::write, retry);
  auto* ids = again->add_option("ID", wanted->ids, "as in the list");
  again->add_flag("--all", wanted->all, "every open one that is an event")->excludes(ids);
  group->footer(
      "Works on the history that DATA_DIR belongs to: history.db of `dev`, else PostgreSQL by DATABASE_URL;\n"
      "on that one too where it is given and DATA_DIR is not. Beside a `dev` that runs, ask it to retry:\n"
      "POST /api/v1/dead-letters/ID/retry.\n\n"
      "Examples:\n"
      "  deltadrop dead-letters list\n"
      "  deltadrop dead-letters show Zk9wQx0tR3mE5cJ1u2VvYw.3.1207\n"
      "  deltadrop dead-letters retry --all");
}

}  // namespace deltadrop::cli
