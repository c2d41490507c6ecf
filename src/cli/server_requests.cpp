#include "cli/server_requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <CLI/CLI.hpp>

#include "app/settings.hpp"
#include "cli/checks.hpp"
#include "cli/diff_output.hpp"
#include "cli/option_names.hpp"
#include "cli/standard_output.hpp"
#include "http/target.hpp"
#include "io/lock_file.hpp"

namespace deltadrop::cli {
namespace {

constexpr std::int64_t kPageMax = 1000;

std::string key_of_environment() {
  // A flag would be visible in the shell's history and the process list.
  const char* const key = std::getenv(kKeyVariable);
  return key == nullptr ? "" : key;
}

Error no_server(const std::string& data_dir) {
  return {ErrorCode::unavailable, "no-server", fmt::format("no server runs on {}", data_dir),
          "start a server there (dev or serve), or name another one: --data-dir DIR, --server URL"};
}

/// Returns the findings of the server's response, one per line.
std::string findings_of(simdjson::dom::element problem) {
  std::string lines;
  simdjson::dom::array findings;
  if (problem["findings"].get(findings) != simdjson::SUCCESS) return lines;
  for (const auto finding : findings) {
    lines += fmt::format("\n  line {}: {}; {}", text_of(finding, "line"),
                         terminal_safe(text_of(finding, "reason")),
                         terminal_safe(with_option_names(text_of(finding, "fix"))));
  }
  return lines;
}

Result<void> print(std::string_view piece) {
  if (std::fwrite(piece.data(), 1, piece.size(), stdout) == piece.size()) return success();
  return output_failed();
}

}  // namespace

std::shared_ptr<ServerFlags> add_server_options(CLI::App& command) {
  auto flags = std::make_shared<ServerFlags>();
  const auto keep = [flags](const char* name) {
    return [flags, name](const std::string& value) { flags->settings.values[name] = value; };
  };
  command.add_option("--server", flags->url, "URL of the server (the one that runs on DATA_DIR)")
      ->type_name("URL")
      ->check(refuse_empty);
  command.add_option_function<std::string>("--data-dir", keep("DATA_DIR"), "its folder")
      ->type_name("DATA_DIR")
      ->check(refuse_empty);
  command
      .add_option_function<std::string>(
          "--tls-cert", keep("TLS_CERT"),
          "with https: its certificate or its authority's (the system's authorities)")
      ->type_name("TLS_CERT")
      ->check(refuse_empty);
  command.add_option("--config", flags->settings.config_file, "file of NAME=VALUE lines")
      ->type_name("FILE")
      ->check(refuse_empty);
  return flags;
}

std::optional<ServerEndpoint> running_server(const app::Settings& settings) {
  const auto holder = io::LockFile::holder(std::filesystem::path(settings.data_dir.path) / "lock");
  if (holder.has_error() || holder.value().address.empty()) return std::nullopt;
  return ServerEndpoint{holder.value().address, key_of_environment(), settings.listen.tls_cert,
                        /*on_this_machine=*/true};
}

int run_with_server(const ServerFlags& flags,
                    const std::function<Result<int>(const ServerEndpoint& server)>& work) {
  return run_with_settings(flags.settings, [&](const app::Settings& settings) -> Result<int> {
    if (!flags.url.empty()) return work({flags.url, key_of_environment(), settings.listen.tls_cert, false});
    const auto server = running_server(settings);
    if (!server) return no_server(settings.data_dir.path);
    return work(*server);
  });
}

Error refused(const ServerEndpoint& server, const ClientResponse& response) {
  simdjson::dom::parser parser;
  simdjson::dom::element problem;
  std::string detail = response.body;
  std::string fix;
  if (!response.redirect.empty())
    fix = fmt::format("redirects are not followed; it names {}", response.redirect);
  if (parser.parse(response.body).get(problem) == simdjson::SUCCESS && !text_of(problem, "detail").empty()) {
    detail = text_of(problem, "detail") + findings_of(problem);
    fix = with_option_names(text_of(problem, "fix"));
  }
  return {ErrorCode::invalid_input, "refused",
          fmt::format("the server at {} answers {}: {}", server.address, response.status, detail), fix};
}

std::string target_of(std::string_view path, const Query& query) {
  std::string target(path);
  char joint = '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    target += fmt::format("{}{}={}", joint, name, http::percent_encode(value));
    joint = '&';
  }
  return target;
}

Result<void> get_json(const ServerEndpoint& server, const std::string& target,
                      const std::function<Result<void>(simdjson::dom::element)>& use) {
  DD_TRY(const auto response, send_request(server, "GET", target));
  simdjson::dom::parser parser;
  simdjson::dom::element answer;
  if (response.status != 200 || parser.parse(response.body).get(answer) != simdjson::SUCCESS) {
    return refused(server, response);
  }
  return use(answer);
}

Result<bool> get_list(const ServerEndpoint& server, std::string_view path, const Query& query,
                      std::string_view plural, std::int64_t limit,
                      const std::function<Result<void>(simdjson::dom::element)>& use,
                      const std::function<void(simdjson::dom::element)>& see_page) {
  std::string cursor;
  while (limit > 0) {
    Query page = query;
    page.emplace_back("limit", std::to_string(std::min(limit, kPageMax)));
    page.emplace_back("cursor", std::exchange(cursor, ""));
    DD_TRY(get_json(server, target_of(path, page), [&](simdjson::dom::element answer) -> Result<void> {
      if (see_page) see_page(answer);
      simdjson::dom::array items;
      if (answer[plural].get(items) != simdjson::SUCCESS) return success();
      for (const auto item : items) {
        DD_TRY(use(item));
        --limit;
      }
      cursor = text_of(answer, "next_cursor");
      return success();
    }));
    if (cursor.empty()) return false;
  }
  return true;
}

Result<void> get_stream(const ServerEndpoint& server, const std::string& target, const std::string& accept,
                        const BodyConsumer& use) {
  ClientRequest request;
  request.target = target;
  request.headers = {{"Accept", accept}};
  DD_TRY(const auto response, send_request(server, request, use));
  if (response.status != 200) return refused(server, response);
  return success();
}

Result<void> print_stream(const ServerEndpoint& server, const std::string& target,
                          const std::string& accept) {
  return get_stream(server, target, accept, print);
}

Result<bool> print_list(const ServerEndpoint& server, std::string_view path, const Query& query,
                        std::string_view plural, std::int64_t limit, ListFormat format,
                        const std::vector<ListColumn>& columns) {
  const bool json = format == ListFormat::json;
  std::vector<std::string> header;
  for (const auto& column : columns) header.push_back(column.name);
  Listing listing(format, json ? std::vector<std::string>{} : std::move(header));
  DD_TRY(const bool more,
         get_list(server, path, query, plural, limit, [&](simdjson::dom::element item) -> Result<void> {
           if (json) {
             fmt::print("{}\n", simdjson::minify(item));
             return success();
           }
           std::vector<std::string> row;
           for (const auto& column : columns) row.push_back(text_at(item, column.pointer));
           listing.add(std::move(row));
           return success();
         }));
  DD_TRY(listing.end());
  return more;
}

std::string table_path(std::string_view company, std::string_view table, std::string_view rest) {
  return fmt::format("/api/v1/tables/{}/{}{}", http::percent_encode(company), http::percent_encode(table),
                     rest);
}

std::string text_of(simdjson::dom::element object, std::string_view name) {
  return text_at(object, "/" + std::string(name));
}

std::string text_at(simdjson::dom::element object, std::string_view pointer) {
  simdjson::dom::element value;
  if (object.at_pointer(pointer).get(value) != simdjson::SUCCESS || value.is_null()) return "";
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return std::string(text);
  return simdjson::minify(value);
}

}  // namespace deltadrop::cli
