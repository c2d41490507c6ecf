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

/// What all connections share. What is not atomic or const belongs to the network thread.
struct ConnectionsShared {
  ConnectionsShared(const ServerOptions& server_options, std::vector<Route> routes);

  WorkerPool& pool(Work work) { return *pools[static_cast<std::size_t>(work)]; }

  const ServerOptions options;
  const Router router;
  boost::asio::io_context network{1};
  /// By kind of work; none for Work::none.
  std::array<std::unique_ptr<WorkerPool>, kWorkKinds> pools;
  std::set<Connection*> connections;
  std::map<std::string, std::size_t> per_address;
  std::size_t uploads = 0;  ///< bodies that are received or worked on
  std::atomic<bool> stopping = false;
  std::stop_source ending;  ///< requested when the time of requests under way is over
  Departures departures{network};
};

/// Why no more of this kind of work is begun now; nothing: there is room.
std::optional<Response> refuse_if_full(ConnectionsShared& shared, Work work);

/// One of the uploads at once, given back however the upload ends.
class UploadPlace {
 public:
  explicit UploadPlace(std::size_t& taken) : taken_(taken) { ++taken_; }
  UploadPlace(const UploadPlace&) = delete;
  UploadPlace& operator=(const UploadPlace&) = delete;
  ~UploadPlace() { --taken_; }

 private:
  std::size_t& taken_;
};

/// Serves one connection to its end; `tls` is null for a plain one.
boost::asio::awaitable<void> serve_connection(ConnectionsShared& shared, boost::asio::ip::tcp::socket socket,
                                              std::string address,
                                              std::shared_ptr<boost::asio::ssl::context> tls);

/// Closes those that wait for a request, or all. On the network thread.
void close_idle_connections(ConnectionsShared& shared);
void close_all_connections(ConnectionsShared& shared);

}  // namespace deltadrop::http
