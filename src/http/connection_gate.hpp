#pragma once

#include <chrono>
#include <optional>

#include <boost/asio/awaitable.hpp>

#include "http/connection.hpp"

namespace deltadrop::http {

/// The gate, as it is asked about one request: before the request is worked on, and again while its response
/// is sent, since a key may be revoked or expire meanwhile. Belongs to the network thread.
class ConnectionGate {
 public:
  /// Both outlive this.
  ConnectionGate(ConnectionsShared& shared, Request& request) : shared_(shared), request_(request) {}

  /// Nothing: the request passes. Else the response. There must be a gate.
  boost::asio::awaitable<std::optional<Response>> ask(Work work);
  /// Whether the gate was asked, so long ago that it must be asked again.
  [[nodiscard]] bool is_due() const;
  /// Asks again, however busy the server is. Nothing: the response may go on.
  boost::asio::awaitable<std::optional<Response>> ask_again();
  /// Whether `ask_again` gave a refusal.
  [[nodiscard]] bool has_ended_response() const { return has_ended_response_; }

 private:
  using Clock = std::chrono::steady_clock;
  boost::asio::awaitable<std::optional<Response>> run(Work work);

  ConnectionsShared& shared_;
  Request& request_;
  std::optional<Clock::time_point> asked_at_;  ///< nothing: never
  bool has_ended_response_ = false;
};

}  // namespace deltadrop::http
