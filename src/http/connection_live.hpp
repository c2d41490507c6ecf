#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

namespace deltadrop::http {

/// Where a connection with a live body waits: for news, for the time of a heartbeat, for its client to go, or
/// for the server to stop. Belongs to the network thread, except `ring`.
class LiveWait : public std::enable_shared_from_this<LiveWait> {
 public:
  explicit LiveWait(boost::asio::io_context& network) : network_(network), timer_(network) {}

  /// From any thread: there may be news.
  void ring();
  /// Ends the wait at hand, and those to come until `begin_round`.
  void wake();
  /// What happens from here on ends the next wait.
  void begin_round() { woken_ = false; }
  /// Returns when woken, or after `time_max`.
  boost::asio::awaitable<void> wait(std::chrono::steady_clock::duration time_max);

  /// Wakes when the client has closed its side. What it sends meanwhile is left to be read. The socket may go
  /// after stop_watching.
  void watch(boost::asio::ip::tcp::socket& socket);
  void stop_watching() { watching_ = false; }
  [[nodiscard]] bool client_is_gone() const { return client_is_gone_; }

 private:
  boost::asio::io_context& network_;
  boost::asio::steady_timer timer_;
  bool woken_ = false;
  bool watching_ = false;
  bool client_is_gone_ = false;
};

}  // namespace deltadrop::http
