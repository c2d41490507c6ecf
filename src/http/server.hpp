#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/message.hpp"

namespace deltadrop::http {

/// One endpoint. Exactly one of `handle` and `receive` is set. Both run on worker threads and may wait.
struct Route {
  std::string method;
  std::string pattern;  ///< "/api/v1/uploads/{}"; `{}` is one segment, never empty; `{key}` too, not logged
  /// For requests without a body worth streaming; one of up to 64 KiB is read and dropped.
  std::function<Response(const Request&)> handle;
  /// For uploads: makes the sink before the body is read; an error is answered without reading it.
  std::function<Result<std::unique_ptr<BodySink>>(const Request&)> receive;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8000;        ///< 0: any free port
  std::size_t worker_threads = 16;  ///< for what only reads; four times as many for what changes something
  std::size_t header_bytes_max = std::size_t{16} << 10;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds idle_timeout{60'000};
  std::uint64_t body_rate_min = 1024;  ///< bytes a second, averaged over body_rate_window
  std::chrono::milliseconds body_rate_window{30'000};
  std::size_t connections_max = 4096;
};

/// HTTP/1.1. Unknown paths are 404, known ones with another method 405 with Allow, both as problem+json; a
/// HEAD is answered as GET without a body.
class Server {
 public:
  /// Binds and listens; unavailable "cannot-listen" names the address and who may hold it.
  static Result<std::unique_ptr<Server>> listen(const ServerOptions& options, std::vector<Route> routes);
  virtual ~Server() = default;
  /// "127.0.0.1:8000"
  [[nodiscard]] virtual std::string address() const = 0;
  /// Accepts no more, finishes requests under way up to the deadline, closes the rest.
  virtual void stop(std::chrono::milliseconds drain) = 0;
};

}  // namespace deltadrop::http
