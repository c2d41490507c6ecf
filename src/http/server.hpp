#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/access.hpp"
#include "http/access_log.hpp"
#include "http/hidden_paths.hpp"
#include "http/message.hpp"

namespace deltadrop::http {

/// The kinds of work on a request, by the resource that they may wait for. Each kind has its own threads and
/// queue, so that a slow resource delays no other kind.
enum class Work : std::uint8_t {
  none,           ///< waits for nothing and skips the gate; runs on the network thread
  health,         ///< requests of monitoring; waits for at most a second
  access,         ///< the gate, except for `health`
  catalog,        ///< reads the catalog and the archive
  history,        ///< reads the history
  receiving,      ///< writes pieces of uploads to the disk
  change,         ///< starts changes: release, discard, revert
  file_piece,     ///< reads pieces of a download from the disk
  history_piece,  ///< reads pieces of a download from the history
  follower,       ///< gets pieces of live bodies
};
inline constexpr std::size_t kWorkKinds = 10;

struct PoolSize {
  std::size_t threads = 1;
  std::size_t waiting_max = 1;  ///< requests that wait for a thread; more get 503 "too-busy"
};
/// Indexed by kind of work.
using PoolSizes = std::array<PoolSize, kWorkKinds>;
PoolSizes default_pool_sizes();

/// One endpoint. Construct it with method, pattern and access, and set exactly one of `handle`, `begin` and
/// `receive`. All of them run on the threads of `work`.
struct Route {
  std::string method;
  /// "/api/v1/uploads/{}". `{}` and `{key}` each match one non-empty segment. The log omits `{key}`.
  std::string pattern;
  Access access;
  Work work = Work::catalog;
  /// For requests without a streamed body. A body of up to 64 KiB is read and discarded.
  std::function<Response(const Request&)> handle = {};
  /// Like `handle`, but calls `respond` later. The request is destroyed after the call.
  std::function<void(const Request&, Respond respond)> begin = {};
  /// For uploads: makes the sink before the body is read. An error becomes the response, and the body stays
  /// unread.
  std::function<Result<std::unique_ptr<BodySink>>(const Request&)> receive = {};
  /// Returns the kind of work of a request, for a route whose requests differ. May be empty. Runs on the
  /// network thread.
  std::function<Work(const Request&)> work_of = {};
};

/// PEM files. They are read again when one of them changes. Open connections keep their certificate.
struct TlsFiles {
  std::filesystem::path certificate;  ///< with its chain
  std::filesystem::path key;
};

/// Decides, before the body is read, whether a request may pass: returns nothing if so, else the response.
/// Sets Request::key. It also applies to paths that do not exist, but not to Work::none. Runs on the threads
/// of Work::health for its routes, else on those of Work::access. While a streamed response is sent, it is
/// asked again, and a rejection ends the response.
using Gate = std::function<std::optional<Response>(Request&)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8000;  ///< 0 means any free port
  PoolSizes pools = default_pool_sizes();
  std::size_t header_bytes_max = std::size_t{16} << 10;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds idle_timeout{60'000};
  std::chrono::milliseconds heartbeat{15'000};  ///< for live bodies
  /// While a streamed response is sent, the gate is asked again before a piece if this much time has passed.
  std::chrono::milliseconds gate_interval{1'000};
  std::uint64_t body_rate_min = 1024;  ///< bytes per second, averaged over body_rate_window
  std::chrono::milliseconds body_rate_window{30'000};
  std::size_t header_fields_max = 100;
  std::size_t connections_max = 4096;
  std::size_t connections_per_address_max = 2048;
  std::size_t uploads_max = 1024;          ///< uploads being received or handled; more get 503
  std::vector<std::string> allowed_hosts;  ///< lower case, without port; empty means any
  std::optional<TlsFiles> tls;
  HiddenPaths hidden_paths;
  Gate gate;                                     ///< may be empty
  std::function<void(const Served&)> on_served;  ///< called on the network thread; may be empty
};

/// A strict HTTP/1.1 server. A request that two servers could interpret differently gets 400, and the
/// connection is closed. An unknown path gets 404 and an unknown method 405 with Allow, both as problem+json.
/// A HEAD gets the response of GET without the body.
class Server {
 public:
  /// Binds and listens. Fails with unavailable, type "cannot-listen", naming the address and how to find the
  /// program that uses it; with invalid_input, type "bad-certificate", naming the unusable TLS file.
  static Result<std::unique_ptr<Server>> listen(const ServerOptions& options, std::vector<Route> routes);
  virtual ~Server() = default;
  /// "127.0.0.1:8000"
  [[nodiscard]] virtual std::string address() const = 0;
  /// Stops accepting and waits up to `drain` for the current requests. Then tells the rest to stop, calls
  /// `overdue`, which should end what they wait for, and gives them one more second.
  virtual void stop(std::chrono::milliseconds drain, const std::function<void()>& overdue = {}) = 0;
};

}  // namespace deltadrop::http
