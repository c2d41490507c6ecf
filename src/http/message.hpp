#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "core/stop.hpp"
#include "http/access.hpp"

/// Requests and responses for our routes, independent of the HTTP library.
namespace deltadrop::http {

/// The API key of a request.
struct KeyIdentity {
  std::string id;
  std::string name;                    ///< the holder's name, for people
  std::vector<std::string> companies;  ///< patterns with `*`; empty means all
};

struct Request {
  std::string method;
  std::string path;                                          ///< percent-decoded, without the query
  std::vector<std::string> segments;                         ///< the path's parts, each percent-decoded once
  std::vector<std::pair<std::string, std::string>> query;    ///< decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::vector<std::string> parameters;                       ///< the values of `{}` in the route's pattern
  std::string route;             ///< the route's pattern, or "" if no route matched
  std::optional<Access> access;  ///< the route's rights; empty if no route matched
  std::string origin;            ///< the origin at which the client reaches this server: "https://host:8000"
  std::string remote_address;
  std::optional<KeyIdentity> key;               ///< set by the gate; empty if no key is needed
  std::string id;                               ///< the client's X-Request-Id, or a generated one
  const std::atomic<bool>* stopping = nullptr;  ///< set when the server is stopping; long waits end then
  Stop stop;  ///< requested when the client has disconnected or the server must stop

  [[nodiscard]] bool server_stops() const { return stopping != nullptr && stopping->load(); }

  [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
  /// Returns all values of a header that may be repeated.
  [[nodiscard]] std::vector<std::string> all_headers(std::string_view name) const;
};

/// Returns the next piece of a streamed body, or "" at the end. An error cuts the response off, visibly to
/// the client.
using BodySource = std::function<Result<std::string>()>;

/// A body that continues while the client is connected and the server runs. While there is no news, it
/// occupies a connection but no thread.
class LiveBody {
 public:
  virtual ~LiveBody() = default;
  /// Returns the current news, or "" without news. Worker threads call it, one call at a time. An error
  /// cuts the response off.
  virtual Result<std::string> next() = 0;
  /// Sets the function that the body must call, from any thread, when next() may have news. Called once,
  /// before the first next(). The body must not call `wake` after its destruction.
  virtual void on_news(std::function<void()> wake) = 0;
  /// Returns the text that is sent after a period without news, so that both sides detect a lost connection.
  [[nodiscard]] virtual std::string_view heartbeat() const = 0;
  /// Returns the maximum duration of the body, or nothing for no limit.
  [[nodiscard]] virtual std::optional<std::chrono::milliseconds> time_max() const = 0;
  /// Returns the last piece, sent when the gate rejects the request while the body is being sent. It contains
  /// the problem+json of the rejection on one line. If it is empty, the body cannot tell the client, and the
  /// response is cut off.
  [[nodiscard]] virtual std::string farewell(std::string_view problem_json) const {
    static_cast<void>(problem_json);
    return {};
  }
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  BodySource stream;  ///< if set, `body` is ignored, and the response is chunked unless stream_bytes is set
  std::optional<std::uint64_t> stream_bytes;  ///< the total size of `stream`, sent as Content-Length
  std::shared_ptr<LiveBody> live = nullptr;   ///< like `stream`, but always chunked
  std::vector<std::pair<std::string, std::string>> headers;
  bool tells_errors = false;  ///< `body` contains error messages, as a problem does: server paths are removed
};

/// Accepts the response to a request from any thread. Only the first response counts. If all copies are
/// destroyed without a response, the response is a 500.
using Respond = std::function<void(Response)>;

/// Receives a streamed request body. Worker threads call it, one call at a time.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// An error becomes the response at once, and the connection is closed.
  virtual Result<void> write(std::span<const std::byte> bytes) = 0;
  /// Called when the body is complete. May return before it responds; the sink is then destroyed.
  virtual void finish(Respond respond) = 0;
};

/// Returns the problem+json response (RFC 9457) for an error, by the table of codes and types in problem.cpp.
Response problem(const Error& error);

}  // namespace deltadrop::http
