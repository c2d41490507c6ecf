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

/// The bytes of one connection, plain or under TLS, with one deadline for what is under way. Belongs to the
/// network thread.
class ConnectionStream {
 public:
  using Clock = std::chrono::steady_clock;
  using Buffers = std::array<boost::asio::const_buffer, 2>;
  struct Moved {
    boost::system::error_code error;
    std::size_t bytes = 0;
  };

  /// `tls`: null for a plain one.
  ConnectionStream(boost::asio::ip::tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> tls);

  /// Of TLS; nothing otherwise. False: the connection is done with.
  boost::asio::awaitable<bool> handshake();
  /// Reads what has come, up to `bytes_max` bytes, behind what is in the buffer.
  boost::asio::awaitable<boost::system::error_code> read_into(boost::beast::flat_buffer& buffer,
                                                              std::size_t bytes_max);
  /// The same until `time`; then fails with timed_out and leaves the connection open.
  boost::asio::awaitable<boost::system::error_code> read_into_until(boost::beast::flat_buffer& buffer,
                                                                    std::size_t bytes_max,
                                                                    Clock::time_point time);
  /// Both whole.
  boost::asio::awaitable<Moved> write(Buffers buffers);
  /// Nothing more will be sent; the client may still be sending.
  void end_sending();
  /// Ends both sides, TLS with its own farewell.
  boost::asio::awaitable<void> end();

  void expires_after(Clock::duration time) { tcp_.expires_after(time); }
  /// At once; what is under way fails.
  void close() { tcp_.close(); }
  /// The same, so that the client sees that it is not the end of an answer.
  void reset();
  boost::asio::ip::tcp::socket& socket() { return tcp_.socket(); }
  /// "127.0.0.1:8000", "[::1]:8000": where it came in.
  [[nodiscard]] std::string local_address() const;

 private:
  boost::asio::awaitable<Moved> read_some(boost::asio::mutable_buffer space);

  std::shared_ptr<boost::asio::ssl::context> context_;
  boost::beast::tcp_stream tcp_;
  std::optional<boost::asio::ssl::stream<boost::beast::tcp_stream&>> tls_;
};

}  // namespace deltadrop::http
