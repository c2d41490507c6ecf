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

/// Functions for commands that send requests to a running server.
namespace deltadrop::cli {

/// The options that select a server.
struct ServerFlags {
  SettingsFlags settings;
  std::string url;  ///< "": the server that runs on DATA_DIR
};
/// Adds --server, --data-dir, --tls-cert and --config to a command.
std::shared_ptr<ServerFlags> add_server_options(CLI::App& command);

/// The environment variable that contains the API key.
inline constexpr auto kKeyVariable = "DELTADROP_KEY";

/// Returns the server that runs on DATA_DIR, according to its lock file, or nothing if none runs.
std::optional<ServerEndpoint> running_server(const app::Settings& settings);

/// Finds the server, calls `work`, reports trouble and returns the exit code.
int run_with_server(const ServerFlags& flags,
                    const std::function<Result<int>(const ServerEndpoint& server)>& work);

/// Returns the server's error as invalid_input "refused", with its detail, findings and fix.
Error refused(const ServerEndpoint& server, const ClientResponse& response);

using Query = std::vector<std::pair<std::string, std::string>>;
/// Returns "PATH?name=value&...", with values percent-encoded. Omits empty values.
std::string target_of(std::string_view path, const Query& query);

/// Sends a GET and passes the JSON response to `use`. Fails as `refused` unless the status is 200.
Result<void> get_json(const ServerEndpoint& server, const std::string& target,
                      const std::function<Result<void>(simdjson::dom::element)>& use);
/// Reads a list page by page and passes at most `limit` items to `use`. Calls `see_page` with each page
/// before its items. Returns whether there are more items.
Result<bool> get_list(const ServerEndpoint& server, std::string_view path, const Query& query,
                      std::string_view plural, std::int64_t limit,
                      const std::function<Result<void>(simdjson::dom::element)>& use,
                      const std::function<void(simdjson::dom::element)>& see_page = {});
/// A column of a list: its header, and a JSON pointer to its text in an item.
struct ListColumn {
  std::string name;
  std::string pointer;
};
/// Prints a list that it reads with get_list. JSON items are printed as the server sends them. Returns
/// whether there are more items.
Result<bool> print_list(const ServerEndpoint& server, std::string_view path, const Query& query,
                        std::string_view plural, std::int64_t limit, ListFormat format,
                        const std::vector<ListColumn>& columns);
/// Returns "/api/v1/tables/COMPANY/TABLE<rest>", percent-encoded.
std::string table_path(std::string_view company, std::string_view table, std::string_view rest);
inline constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

/// Sends a GET with the media type `accept` and streams the response to `use`. Fails as `refused` unless the
/// status is 200.
Result<void> get_stream(const ServerEndpoint& server, const std::string& target, const std::string& accept,
                        const BodyConsumer& use);
/// Streams the response to standard output.
Result<void> print_stream(const ServerEndpoint& server, const std::string& target, const std::string& accept);

/// Returns a field's text, or a number as JSON. Returns "" for null or an absent field.
std::string text_of(simdjson::dom::element object, std::string_view name);
std::string text_at(simdjson::dom::element object, std::string_view pointer);

}  // namespace deltadrop::cli
