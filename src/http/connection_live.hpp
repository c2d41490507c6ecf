#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

namespace deltadrop::http {

/// Waits on behalf of a connection with a live body: for news, for the time of a heartbeat, for the client's
/// departure or for the server to stop. Belongs to the network thread, except `ring`.
class LiveWait : public std::enable_shared_from_this<LiveWait> {
 public:
  explicit LiveWait(boost::asio::io_context& network) : network_(network), timer_(network) {}

  /// Reports possible news. Any thread may call it.
  void ring();
  /// Ends the current wait and later ones, until `begin_round`.
  void wake();
  /// Events from now on end the next wait.
  void begin_round() { woken_ = false; }
  /// Returns when woken or after `time_max`.
  boost::asio::awaitable<void> wait(std::chrono::steady_clock::duration time_max);

  /// Wakes when the client closes its side. Leaves bytes that the client sends unread. The socket may be
  /// destroyed after stop_watching.
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
