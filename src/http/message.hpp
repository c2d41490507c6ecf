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

/// Requests and responses as our routes see them: nothing of the server's library.
namespace deltadrop::http {

/// The API key that a request showed.
struct KeyIdentity {
  std::string id;
  std::string name;                    ///< of who has it; for people
  std::vector<std::string> companies;  ///< patterns with `*`; empty: all
};

struct Request {
  std::string method;
  std::string path;                                          ///< percent-decoded, without the query
  std::vector<std::string> segments;                         ///< the path's parts, each percent-decoded once
  std::vector<std::pair<std::string, std::string>> query;    ///< decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::vector<std::string> parameters;                       ///< what `{}` matched in the route's pattern
  std::string route;                                         ///< its route's pattern; "" where there is none
  std::optional<Access> access;                              ///< of its route; nothing where there is none
  std::string origin;  ///< how the client reaches this server: "https://host:8000"
  std::string remote_address;
  std::optional<KeyIdentity> key;               ///< set by the gate; nothing where no key is needed
  std::string id;                               ///< X-Request-Id, given or made
  const std::atomic<bool>* stopping = nullptr;  ///< set once the server stops: long waits end then
  Stop stop;  ///< requested when the client has gone, or the time of a server that stops is over

  [[nodiscard]] bool server_stops() const { return stopping != nullptr && stopping->load(); }

  [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
  /// Of a header that may be given several times.
  [[nodiscard]] std::vector<std::string> all_headers(std::string_view name) const;
};

/// The next piece of a streamed body; empty at the end. An error breaks the answer off, visibly.
using BodySource = std::function<Result<std::string>()>;

/// A body that goes on for as long as the client stays and the server runs. While there is nothing to say it
/// costs a connection and no thread.
class LiveBody {
 public:
  virtual ~LiveBody() = default;
  /// What there is to say now; empty: nothing. Runs on worker threads, never on two at once. An error breaks
  /// the answer off.
  virtual Result<std::string> next() = 0;
  /// `wake` is to be called, from any thread, when next() may have something. Once, before the first next();
  /// `wake` is not called after this is destroyed.
  virtual void on_news(std::function<void()> wake) = 0;
  /// Said when nothing else was for a while, so that both sides see that the other is there.
  [[nodiscard]] virtual std::string_view heartbeat() const = 0;
  /// How long it goes on at the most; nothing: for ever.
  [[nodiscard]] virtual std::optional<std::chrono::milliseconds> time_max() const = 0;
  /// Sent last when the gate no longer lets the request pass: tells the client why, with the problem+json of
  /// the refusal, on one line. Empty: the body has no way to say it, and is broken off.
  [[nodiscard]] virtual std::string farewell(std::string_view problem_json) const {
    static_cast<void>(problem_json);
    return {};
  }
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  BodySource stream;  ///< if set, `body` is ignored, and the reply is chunked unless stream_bytes is set
  std::optional<std::uint64_t> stream_bytes;  ///< how many `stream` gives in all, sent as Content-Length
  std::shared_ptr<LiveBody> live = nullptr;   ///< likewise, always chunked
  std::vector<std::pair<std::string, std::string>> headers;
  bool tells_errors = false;  ///< `body` has texts of errors, as a problem has: server paths are taken out
};

/// Takes the response to a request, once, from any thread; further ones are dropped. Where all copies are
/// destroyed before, the request is answered 500.
using Respond = std::function<void(Response)>;

/// Where a streamed request body goes. Called from a worker thread, never from two at once.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// An error is answered at once, and the connection closed.
  virtual Result<void> write(std::span<const std::byte> bytes) = 0;
  /// The body is whole. May return before there is a response; this is destroyed then.
  virtual void finish(Respond respond) = 0;
};

/// An RFC 9457 problem+json response for an error, by the one table of codes and types in problem.cpp.
Response problem(const Error& error);

}  // namespace deltadrop::http
