#pragma once

#include <cstdint>
#include <map>
#include <stop_token>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace deltadrop::http {

/// Detects that a client closes its connection while its request is being handled and nobody reads from the
/// socket. It consumes no bytes, because the next request may already be there. Belongs to the network
/// thread.
class Departures {
 public:
  explicit Departures(boost::asio::io_context& network);

  /// While it exists, requests a stop of `gone` once the peer closes its sending side or the connection.
  /// `departures` and `socket` must outlive it.
  class Watch {
   public:
    Watch(Departures& departures, boost::asio::ip::tcp::socket& socket, std::stop_source gone);
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();

   private:
    Departures& departures_;
    boost::asio::ip::tcp::socket& socket_;
    std::uint64_t number_;
  };

  /// Call when no new watches will be added. The network then stops waiting here after the last watch.
  void end_with_last();

 private:
  void wait();
  void take_events();
  void end_if_last();

  boost::asio::posix::stream_descriptor epoll_;
  std::map<std::uint64_t, std::stop_source> watched_;  ///< by watch number, because descriptors are reused
  std::uint64_t last_number_ = 0;
  bool waiting_ = false;
  bool ending_ = false;
};

}  // namespace deltadrop::http
