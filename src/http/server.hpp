#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/access_log.hpp"
#include "http/hidden_paths.hpp"
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

/// PEM files. Read again when one of them changes: connections that are open keep what they were begun with.
struct TlsFiles {
  std::filesystem::path certificate;  ///< with its chain
  std::filesystem::path key;
};

/// Decides before the body is read whether a request is answered, paths that do not exist included: nothing if
/// so, else the refusal. Sets Request::key. Runs on worker threads.
using Gate = std::function<std::optional<Response>(Request&)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8000;        ///< 0: any free port
  std::size_t worker_threads = 16;  ///< for what only reads; four times as many for what changes something
  std::size_t header_bytes_max = std::size_t{16} << 10;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds idle_timeout{60'000};
  std::chrono::milliseconds heartbeat{15'000};  ///< of live bodies
  std::uint64_t body_rate_min = 1024;           ///< bytes a second, averaged over body_rate_window
  std::chrono::milliseconds body_rate_window{30'000};
  std::size_t header_fields_max = 100;
  std::size_t connections_max = 4096;
  std::size_t connections_per_address_max = 2048;
  std::size_t uploads_max = 1024;          ///< bodies received or worked on at once; more are answered 503
  std::vector<std::string> allowed_hosts;  ///< lower case, without port; empty: any
  std::optional<TlsFiles> tls;
  HiddenPaths hidden_paths;
  Gate gate;                                     ///< may be empty
  std::function<void(const Served&)> on_served;  ///< on the network thread; may be empty
};

/// HTTP/1.1, strictly: what two servers could read differently is 400 and the end of the connection. Unknown
/// paths are 404, known ones with another method 405 with Allow, both as problem+json; a HEAD is answered as
/// GET without a body.
class Server {
 public:
  /// Binds and listens; unavailable "cannot-listen" names the address and who may hold it; invalid_input
  /// "bad-certificate" the file of TLS that cannot be used.
  static Result<std::unique_ptr<Server>> listen(const ServerOptions& options, std::vector<Route> routes);
  virtual ~Server() = default;
  /// "127.0.0.1:8000"
  [[nodiscard]] virtual std::string address() const = 0;
  /// Accepts no more, and finishes requests under way up to the deadline.
  /// Requests that are not done then are told to stop, and have a second to say so; `overdue` is called
  /// before, to end what they wait for.
  virtual void stop(std::chrono::milliseconds drain, const std::function<void()>& overdue = {}) = 0;
};

}  // namespace deltadrop::http
