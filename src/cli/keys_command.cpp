#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "access/keys.hpp"
#include "app/data_dir.hpp"
#include "cli/commands.hpp"
#include "cli/settings_options.hpp"
#include "io/clock.hpp"
#include "io/file.hpp"
#include "io/point_in_time.hpp"

namespace deltadrop::cli {
namespace {

struct Wanted {
  std::string role = "upload";
  std::vector<std::string> companies;
  std::string expires;
  std::string name;
  std::string id;
};

using Work = std::function<Result<int>(const app::Settings& settings, const Wanted& wanted)>;

/// Parses an expiry: a duration from now such as "90d", or a point in time. A bare date is the start of that
/// day.
Result<std::optional<Timestamp>> expiry_of(const std::string& text, Timestamp now, const io::TimeZone& zone) {
  if (text.empty()) return std::optional<Timestamp>();
  if (const auto span = app::parse_duration(text); span.has_value()) {
    if (text.find_first_not_of("0123456789.") == std::string::npos) {
      return Error{ErrorCode::invalid_input, "bad-expiry", fmt::format("--expires {} has no unit", text),
                   fmt::format("give one, such as {0}d for days or {0}h for hours", text)};
    }
    return std::optional(now.plus_ms(span.value().count()));
  }
  DD_TRY(const auto time, io::parse_point_in_time(text, io::BareDate::start_of_day, zone));
  if (time > now) return std::optional(time);
  return Error{ErrorCode::invalid_input, "bad-expiry", fmt::format("{} is over", time.to_string()),
               "give a moment that is still to come, or a duration such as 90d"};
}

/// Gives the keys file, its lock and a new folder the permissions of DATA_DIR if they are in it.
void close_keys(const app::Settings& settings) {
  if (!settings.setting_of(settings.access.keys_file).given) app::close_like_data_dir(settings);
}

Result<int> create(const app::Settings& settings, const Wanted& wanted) {
  const std::filesystem::path file = settings.access.keys_file;
  io::SystemClock clock;
  const auto now = clock.now();
  access::KeyWish wish;
  DD_TRY(wish.role, access::parse_role(wanted.role));
  DD_TRY(wish.expires_at, expiry_of(wanted.expires, now, settings.time_zone));
  wish.companies = wanted.companies;
  wish.name = wanted.name;
  close_keys(settings);
  DD_TRY(io::make_folders_durably(file.has_parent_path() ? file.parent_path() : std::filesystem::path(".")));
  DD_TRY(const auto made, access::create_key(file, wish, now));
  fmt::print("{}\n", made.secret);
  fmt::print(stderr, "This is shown once. From now on the server asks for a key; it needs no restart.\n");
  return 0;
}

std::string state_of(const access::Key& key, Timestamp now) {
  if (key.revoked_at) return "revoked " + key.revoked_at->to_string();
  if (!key.expires_at) return "for ever";
  return (key.usable(now) ? "until " : "expired ") + key.expires_at->to_string();
}

Result<int> list(const app::Settings& settings, const Wanted&) {
  const auto file = settings.access.keys_file;
  io::SystemClock clock;
  DD_TRY(const auto keys, access::read_keys(file));
  if (keys.empty()) {
    fmt::print(stderr, "there is no key in {}: make one with `{}`\n", file, typed(settings, "keys create"));
  }
  for (const auto& key : keys) {
    fmt::print("{}\t{}\t{}\t{}\t{}\t{}\n", key.id, access::to_string(key.role),
               key.companies.empty() ? std::string("*") : fmt::format("{}", fmt::join(key.companies, ",")),
               key.created_at.to_string(), state_of(key, clock.now()), key.name);
  }
  return 0;
}

Result<int> revoke(const app::Settings& settings, const Wanted& wanted) {
  io::SystemClock clock;
  close_keys(settings);
  DD_TRY(const auto key, access::revoke_key(settings.access.keys_file, wanted.id, clock.now()));
  fmt::print("{} is revoked since {}\n", key.id, key.revoked_at->to_string());
  return 0;
}

CLI::App* add_one(CLI::App& group, const std::string& name, const std::string& help, int& exit_code,
                  const std::shared_ptr<Wanted>& wanted, const Work& work) {
  auto* command = group.add_subcommand(name, help);
  const auto flags = add_settings_options(*command);
  command->callback([flags, wanted, work, &exit_code] {
    exit_code =
        run_with_settings(*flags, [&](const app::Settings& settings) { return work(settings, *wanted); });
  });
  return command;
}

}  // namespace

void add_keys_command(CLI::App& program, int& exit_code) {
  auto* group = program.add_subcommand("keys", "who may use the API");
  group->require_subcommand(1);
  const auto wanted = std::make_shared<Wanted>();
  auto* making = add_one(*group, "create", "make a key, and show it once", exit_code, wanted, create);
  making->add_option("--role", wanted->role, "upload, read or admin [upload]");
  making->add_option("--company", wanted->companies, "only these companies; * is any text; may be repeated");
  making->add_option("--expires", wanted->expires, "after 90d, or at 2026-12-31T00:00:00Z [never]");
  making->add_option("--name", wanted->name, "whose it is");
  add_one(*group, "list", "every key but the keys themselves", exit_code, wanted, list);
  add_one(*group, "revoke", "make a key useless", exit_code, wanted, revoke)
      ->add_option("ID", wanted->id, "as in the list")
      ->required();
  group->footer(
      "Works on KEYS_FILE (keys under DATA_DIR), whether a server runs or not; it notices.\n\n"
      "Examples:\n"
      "  deltadrop keys create --role upload --company 'so-*' --expires 90d --name 'SO, finance'\n"
      "  curl -H \"Authorization: Bearer $KEY\" -F file=@so-financials.csv "
      "'http://127.0.0.1:8000/upload?company_id=so-financials'\n"
      "  deltadrop keys revoke 1f2e3d4c");
}

}  // namespace deltadrop::cli
