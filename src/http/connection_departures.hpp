#pragma once

#include <cstdint>
#include <map>
#include <stop_token>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace deltadrop::http {

/// Sees that a client has closed its connection while its request is worked on, when nobody reads from it. It
/// takes no byte from the socket: the next request may be there already. Belongs to the network thread.
class Departures {
 public:
  explicit Departures(boost::asio::io_context& network);

  /// While it lives, `gone` is asked to stop once the peer of the socket closes its side, or both. Neither
  /// outlives the other things it is made of.
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

  /// Nothing is watched after what is now: then the network has nothing to wait for here.
  void end_with_last();

 private:
  void wait();
  void take_events();
  void end_if_last();

  boost::asio::posix::stream_descriptor epoll_;
  std::map<std::uint64_t, std::stop_source>
      watched_;  ///< by the number of the watch: descriptors are used again
  std::uint64_t last_number_ = 0;
  bool waiting_ = false;
  bool ending_ = false;
};

}  // namespace deltadrop::http
