#include "http/server.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "http/access_log.hpp"
#include "http/connection.hpp"
#include "http/connection_names.hpp"
#include "http/head.hpp"
#include "http/problem.hpp"
#include "http/server_tls.hpp"

namespace deltadrop::http {

PoolSizes default_pool_sizes() {
  PoolSizes sizes;
  const auto set = [&sizes](Work work, PoolSize size) { sizes[static_cast<std::size_t>(work)] = size; };
  set(Work::health, {4, 256});
  set(Work::access, {4, 1024});
  set(Work::catalog, {16, 512});
  set(Work::history, {16, 512});
  set(Work::receiving, {16, 1024});
  set(Work::change, {8, 256});
  set(Work::file_piece, {8, 512});
  set(Work::history_piece, {8, 512});
  set(Work::follower, {2, 4096});
  return sizes;
}

namespace {

constexpr std::chrono::milliseconds kAcceptRetry{50};
constexpr std::chrono::milliseconds kLastWords{1000};  ///< for requests that were told to stop

/// The state of the acceptor. Belongs to the network thread.
struct Listening {
  ConnectionsShared& shared;
  tcp::acceptor acceptor;
  std::unique_ptr<TlsContexts> tls;  ///< null without TLS
};

/// Responds with 503 without waiting: the response either fits the socket's buffer or is lost.
void refuse_connection(tcp::socket socket, bool tls) {
  // Under TLS, a response would need a handshake first.
  if (tls) return;
  auto response = problem({ErrorCode::unavailable, "too-many-connections", "all connections are in use",
                           "retry in a few seconds"});
  const auto id = request_id(std::nullopt);
  set_problem_instance(response, id);
  const auto text = response_head(response, Framing::length, false, id).value() + response.body;
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(text), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

/// Returns whether a connection from this address would exceed a limit.
bool is_one_too_many(const ConnectionsShared& shared, const std::string& address) {
  if (shared.connections.size() >= shared.options.connections_max) return true;
  const auto counted = shared.per_address.find(address);
  return counted != shared.per_address.end() && counted->second >= shared.options.connections_per_address_max;
}

void begin_connection(Listening& listening, tcp::socket socket) {
  auto& shared = listening.shared;
  error_code ignored;
  const auto peer = socket.remote_endpoint(ignored);
  auto address = ignored ? std::string() : peer.address().to_string();
  if (is_one_too_many(shared, address)) {
    refuse_connection(std::move(socket), listening.tls != nullptr);
    return;
  }
  socket.set_option(tcp::no_delay(true), ignored);
  auto tls = listening.tls != nullptr ? listening.tls->current() : nullptr;
  asio::co_spawn(shared.network,
                 serve_connection(shared, std::move(socket), std::move(address), std::move(tls)),
                 asio::detached);
}

/// Accepts a connection. Returns false if that fails, for example for lack of descriptors or memory.
asio::awaitable<bool> accept_one(Listening& listening) {
  try {
    auto [error, socket] = co_await listening.acceptor.async_accept(kTuple);
    if (!error) begin_connection(listening, std::move(socket));
    co_return !error;
  } catch (const std::exception& failure) {
    log_trouble(failure.what());
  }
  co_return false;
}

asio::awaitable<void> accept_connections(Listening& listening) {
  asio::steady_timer pause(listening.shared.network);
  while (!listening.shared.stopping) {
    const bool accepted = co_await accept_one(listening);
    if (!listening.acceptor.is_open()) co_return;
    if (accepted) continue;
    // Other connections may close meanwhile.
    pause.expires_after(kAcceptRetry);
    auto [cancelled] = co_await pause.async_wait(kTuple);
    if (cancelled) co_return;
  }
}

class AsioServer final : public Server {
 public:
  AsioServer(const ServerOptions& options, std::vector<Route> routes)
      : shared_(options, std::move(routes)), listening_{shared_, tcp::acceptor(shared_.network), nullptr} {}
  ~AsioServer() override { stop_now(std::chrono::milliseconds{0}, {}); }

  Result<void> start() {
    error_code error;
    const auto& options = shared_.options;
    if (options.tls) {
      DD_TRY(listening_.tls, TlsContexts::load(*options.tls));
    }
    const auto host = options.address == "localhost" ? std::string("127.0.0.1") : options.address;
    const tcp::endpoint endpoint(asio::ip::make_address(host, error), options.port);
    auto& acceptor = listening_.acceptor;
    if (!error) acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return Error{
          ErrorCode::unavailable, "cannot-listen",
          fmt::format("cannot listen on {}:{}: {}", options.address, options.port, error.message()),
          fmt::format(
              "use another address with --listen, or stop the program that uses it: ss -ltnp 'sport = :{}'",
              options.port)};
    }
    address_ = address_text(acceptor.local_endpoint(error));
    asio::co_spawn(shared_.network, accept_connections(listening_), asio::detached);
    thread_ = std::thread([this] { run_network(); });
    return success();
  }

  [[nodiscard]] std::string address() const override { return address_; }

  void stop(std::chrono::milliseconds drain, const std::function<void()>& overdue) override {
    stop_now(drain, overdue);
  }

 private:
  void run_network() {
    for (bool done = false; !done;) {
      try {
        shared_.network.run();
        done = true;
      } catch (const std::exception& failure) {
        log_trouble(failure.what());
      }
    }
    const std::lock_guard lock(mutex_);
    network_done_ = true;
    changed_.notify_all();
  }

  /// The network thread ends by itself after the acceptor and the last connection are closed.
  void stop_now(std::chrono::milliseconds drain, const std::function<void()>& overdue) {
    const std::lock_guard only_one(stop_mutex_);
    if (!thread_.joinable()) return;
    shared_.stopping = true;
    asio::post(shared_.network, [this] {
      error_code ignored;
      listening_.acceptor.close(ignored);
      close_idle_connections(shared_);
      shared_.departures.end_with_last();
    });
    if (!network_ends_within(drain)) {
      shared_.ending.request_stop();
      if (overdue) overdue();
      network_ends_within(kLastWords);
    }
    asio::post(shared_.network, [this] { close_all_connections(shared_); });
    thread_.join();
    for (const auto& pool : shared_.pools) {
      if (pool != nullptr) pool->join();
    }
  }

  bool network_ends_within(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [this] { return network_done_; });
  }

  ConnectionsShared shared_;
  Listening listening_;
  std::string address_;
  std::thread thread_;
  std::mutex stop_mutex_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool network_done_ = false;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(const ServerOptions& options, std::vector<Route> routes) {
  auto server = std::make_unique<AsioServer>(options, std::move(routes));
  DD_TRY(server->start());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace deltadrop::http
