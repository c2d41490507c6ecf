#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "http/connection_departures.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "http/worker_pool.hpp"

namespace deltadrop::http {

class Connection;

/// The state that all connections share. Members that are neither atomic nor const belong to the network
/// thread.
struct ConnectionsShared {
  ConnectionsShared(const ServerOptions& server_options, std::vector<Route> routes);

  WorkerPool& pool(Work work) { return *pools[static_cast<std::size_t>(work)]; }

  const ServerOptions options;
  const Router router;
  boost::asio::io_context network{1};
  /// Indexed by kind of work; null for Work::none.
  std::array<std::unique_ptr<WorkerPool>, kWorkKinds> pools;
  std::set<Connection*> connections;
  std::map<std::string, std::size_t> per_address;
  std::size_t uploads = 0;  ///< request bodies that are being received or handled
  std::atomic<bool> stopping = false;
  std::stop_source ending;  ///< requested when the remaining requests must end
  Departures departures{network};
};

/// Returns a response if no more work of this kind may begin now, or nothing if there is room.
std::optional<Response> refuse_if_full(ConnectionsShared& shared, Work work);

/// Counts as one of the concurrent uploads while it exists.
class UploadPlace {
 public:
  explicit UploadPlace(std::size_t& taken) : taken_(taken) { ++taken_; }
  UploadPlace(const UploadPlace&) = delete;
  UploadPlace& operator=(const UploadPlace&) = delete;
  ~UploadPlace() { --taken_; }

 private:
  std::size_t& taken_;
};

/// Serves one connection until it ends. `tls` is null for a connection without TLS.
boost::asio::awaitable<void> serve_connection(ConnectionsShared& shared, boost::asio::ip::tcp::socket socket,
                                              std::string address,
                                              std::shared_ptr<boost::asio::ssl::context> tls);

/// Closes the connections that wait for a request, or all connections. Call them on the network thread.
void close_idle_connections(ConnectionsShared& shared);
void close_all_connections(ConnectionsShared& shared);

}  // namespace deltadrop::http
