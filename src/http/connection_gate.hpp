#pragma once

#include <chrono>
#include <optional>

#include <boost/asio/awaitable.hpp>

#include "http/connection.hpp"

namespace deltadrop::http {

/// Asks the gate about one request: before the request is handled, and again while its response is sent,
/// since a key may be revoked or expire meanwhile. Belongs to the network thread.
class ConnectionGate {
 public:
  /// `shared` and `request` must outlive this object.
  ConnectionGate(ConnectionsShared& shared, Request& request) : shared_(shared), request_(request) {}

  /// Returns nothing if the request passes, else the response. Requires that there is a gate.
  boost::asio::awaitable<std::optional<Response>> ask(Work work);
  /// Returns whether the gate's last answer is too old, so that it must be asked again.
  [[nodiscard]] bool is_due() const;
  /// Asks again, however busy the server is. Returns nothing if the response may continue.
  boost::asio::awaitable<std::optional<Response>> ask_again();
  /// Returns whether `ask_again` rejected the request.
  [[nodiscard]] bool has_ended_response() const { return has_ended_response_; }

 private:
  using Clock = std::chrono::steady_clock;
  boost::asio::awaitable<std::optional<Response>> run(Work work);

  ConnectionsShared& shared_;
  Request& request_;
  std::optional<Clock::time_point> asked_at_;  ///< empty if the gate was never asked
  bool has_ended_response_ = false;
};

}  // namespace deltadrop::http
