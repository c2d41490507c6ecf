#pragma once

#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/http_client.hpp"
#include "cli/listing.hpp"
#include "cli/settings_options.hpp"
#include "core/result.hpp"

/// What the commands share that send requests to a running server.
namespace deltadrop::cli {

/// Where the server is, as the command line says.
struct ServerFlags {
  SettingsFlags settings;
  std::string url;  ///< "": the one that runs on DATA_DIR
};
/// Adds --server, --data-dir, --tls-cert and --config to a command.
std::shared_ptr<ServerFlags> add_server_options(CLI::App& command);

/// The environment variable that holds the key that is shown to the server.
inline constexpr auto kKeyVariable = "DELTADROP_KEY";

/// The server that runs on a DATA_DIR, by its lock file; nothing where none runs.
std::optional<ServerEndpoint> running_server(const app::Settings& settings);

/// Finds the server, does the work, reports trouble: the exit code.
int run_with_server(const ServerFlags& flags,
                    const std::function<Result<int>(const ServerEndpoint& server)>& work);

/// A server's refusal in its own words: detail, findings and fix.
Error refused(const ServerEndpoint& server, const ClientResponse& response);

using Query = std::vector<std::pair<std::string, std::string>>;
/// "PATH?name=value&...", values percent-encoded; those that are empty are left out.
std::string target_of(std::string_view path, const Query& query);

/// GETs JSON and gives it to `use`; `refused` where the status is another than 200.
Result<void> get_json(const ServerEndpoint& server, const std::string& target,
                      const std::function<Result<void>(simdjson::dom::element)>& use);
/// Gives each item of a list to `use`, page by page, at most `limit` of them; whether there are more.
/// `see_page` is given each page before its items.
Result<bool> get_list(const ServerEndpoint& server, std::string_view path, const Query& query,
                      std::string_view plural, std::int64_t limit,
                      const std::function<Result<void>(simdjson::dom::element)>& use,
                      const std::function<void(simdjson::dom::element)>& see_page = {});
/// A column of a list: its header, and where in an item its text is, as a JSON pointer.
struct ListColumn {
  std::string name;
  std::string pointer;
};
/// Prints a list as get_list reads it; JSON items as the server has them. Whether there are more.
Result<bool> print_list(const ServerEndpoint& server, std::string_view path, const Query& query,
                        std::string_view plural, std::int64_t limit, ListFormat format,
                        const std::vector<ListColumn>& columns);
/// "/api/v1/tables/COMPANY/TABLE<rest>"
std::string table_path(std::string_view company, std::string_view table, std::string_view rest);
inline constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

/// GETs `accept` and gives it to `use` as it comes.
Result<void> get_stream(const ServerEndpoint& server, const std::string& target, const std::string& accept,
                        const BodyConsumer& use);
/// The same to standard output.
Result<void> print_stream(const ServerEndpoint& server, const std::string& target, const std::string& accept);

/// A field's text; a number as it is written; "" for null or where it is absent.
std::string text_of(simdjson::dom::element object, std::string_view name);
std::string text_at(simdjson::dom::element object, std::string_view pointer);

}  // namespace deltadrop::cli
