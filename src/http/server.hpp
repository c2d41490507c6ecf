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

/// What the work on a request may have to wait for. Each kind has threads and a queue of its own, so that
/// what one waits for delays no other.
enum class Work : std::uint8_t {
  none,           ///< waits for nothing, not even the gate, which is not asked: runs on the network thread
  health,         ///< what monitoring asks for; waits for at most a second
  access,         ///< the gate of everything but `health`
  catalog,        ///< reads the catalog and the archive
  history,        ///< reads the history
  receiving,      ///< pieces of uploads, to the disk
  change,         ///< begins what changes something: release, discard, revert
  file_piece,     ///< pieces of a download from the disk
  history_piece,  ///< pieces of a download from the history
  follower,       ///< pieces of live bodies
};
inline constexpr std::size_t kWorkKinds = 10;

struct PoolSize {
  std::size_t threads = 1;
  std::size_t waiting_max = 1;  ///< requests that wait for a thread; more are answered 503 "too-busy"
};
/// By kind of work.
using PoolSizes = std::array<PoolSize, kWorkKinds>;
PoolSizes default_pool_sizes();

/// One endpoint. Made with its method, pattern and access; exactly one of `handle`, `begin` and `receive` is
/// set. All run on threads of their `work`.
struct Route {
  std::string method;
  std::string pattern;  ///< "/api/v1/uploads/{}"; `{}` is one segment, never empty; `{key}` too, not logged
  Access access;
  Work work = Work::catalog;
  /// For requests without a body worth streaming; one of up to 64 KiB is read and dropped.
  std::function<Response(const Request&)> handle = {};
  /// Likewise, for what is answered later: `respond` takes the response. The request is gone after the call.
  std::function<void(const Request&, Respond respond)> begin = {};
  /// For uploads: makes the sink before the body is read; an error is answered without reading it.
  std::function<Result<std::unique_ptr<BodySink>>(const Request&)> receive = {};
  /// Of which kind this request is, where not all of a route are of one; may be empty. On the network thread.
  std::function<Work(const Request&)> work_of = {};
};

/// PEM files. Read again when one of them changes: connections that are open keep what they were begun with.
struct TlsFiles {
  std::filesystem::path certificate;  ///< with its chain
  std::filesystem::path key;
};

/// Decides before the body is read whether a request is answered, paths that do not exist included, but not
/// for Work::none: nothing if so, else the refusal. Sets Request::key. Runs on threads of Work::health for
/// its routes, else of Work::access. Asked again while a streamed response is sent: a refusal ends it.
using Gate = std::function<std::optional<Response>(Request&)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8000;  ///< 0: any free port
  PoolSizes pools = default_pool_sizes();
  std::size_t header_bytes_max = std::size_t{16} << 10;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds idle_timeout{60'000};
  std::chrono::milliseconds heartbeat{15'000};  ///< of live bodies
  /// While a streamed response is sent, the gate is asked again before a piece if it was not for so long.
  std::chrono::milliseconds gate_interval{1'000};
  std::uint64_t body_rate_min = 1024;  ///< bytes a second, averaged over body_rate_window
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
