#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>

namespace deltadrop::http {

/// The byte stream of one connection, plain or under TLS, with one deadline for the current operation.
/// Belongs to the network thread.
class ConnectionStream {
 public:
  using Clock = std::chrono::steady_clock;
  using Buffers = std::array<boost::asio::const_buffer, 2>;
  struct Moved {
    boost::system::error_code error;
    std::size_t bytes = 0;
  };

  /// `tls` is null for a plain connection.
  ConnectionStream(boost::asio::ip::tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> tls);

  /// Performs the TLS handshake, if the connection uses TLS. Returns false if it failed.
  boost::asio::awaitable<bool> handshake();
  /// Reads available bytes, at most `bytes_max`, and appends them to the buffer.
  boost::asio::awaitable<boost::system::error_code> read_into(boost::beast::flat_buffer& buffer,
                                                              std::size_t bytes_max);
  /// Like read_into, but fails with timed_out at `time` and leaves the connection open.
  boost::asio::awaitable<boost::system::error_code> read_into_until(boost::beast::flat_buffer& buffer,
                                                                    std::size_t bytes_max,
                                                                    Clock::time_point time);
  /// Writes both buffers completely.
  boost::asio::awaitable<Moved> write(Buffers buffers);
  /// Ends the sending side of a plain connection. The client may still send.
  void end_sending();
  /// Shuts down both sides, under TLS with a close_notify.
  boost::asio::awaitable<void> end();

  void expires_after(Clock::duration time) { tcp_.expires_after(time); }
  /// Closes at once; the current operation fails.
  void close() { tcp_.close(); }
  /// Like close, but with a TCP reset, so that the client sees that the response is incomplete.
  void reset();
  boost::asio::ip::tcp::socket& socket() { return tcp_.socket(); }
  /// The local address of the connection: "127.0.0.1:8000" or "[::1]:8000".
  [[nodiscard]] std::string local_address() const;

 private:
  boost::asio::awaitable<Moved> read_some(boost::asio::mutable_buffer space);

  std::shared_ptr<boost::asio::ssl::context> context_;
  boost::beast::tcp_stream tcp_;
  std::optional<boost::asio::ssl::stream<boost::beast::tcp_stream&>> tls_;
};

}  // namespace deltadrop::http
