#include "http/connection_stream.hpp"

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

// g++ 12 miscompiles capturing lambdas and braced temporaries inside a co_await expression: both are kept out
// of coroutines.
namespace deltadrop::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kFarewell{1};

}  // namespace

ConnectionStream::ConnectionStream(tcp::socket socket, std::shared_ptr<asio::ssl::context> tls)
    : context_(std::move(tls)), tcp_(std::move(socket)) {
  if (context_ != nullptr) tls_.emplace(tcp_, *context_);
}

asio::awaitable<bool> ConnectionStream::handshake() {
  if (!tls_) co_return true;
  auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, kTuple);
  co_return !error;
}

asio::awaitable<ConnectionStream::Moved> ConnectionStream::read_some(asio::mutable_buffer space) {
  Moved moved;
  if (tls_) {
    auto [error, bytes] = co_await tls_->async_read_some(space, kTuple);
    moved.error = error;
    moved.bytes = bytes;
    // The framing tells whether a request is whole; a farewell that is missing changes nothing.
    if (error == asio::ssl::error::stream_truncated) moved.error = asio::error::eof;
  } else {
    auto [error, bytes] = co_await tcp_.async_read_some(space, kTuple);
    moved.error = error;
    moved.bytes = bytes;
  }
  co_return moved;
}

asio::awaitable<ConnectionStream::Moved> ConnectionStream::write(Buffers buffers) {
  Moved moved;
  if (tls_) {
    auto [error, bytes] = co_await asio::async_write(*tls_, buffers, kTuple);
    moved.error = error;
    moved.bytes = bytes;
  } else {
    auto [error, bytes] = co_await asio::async_write(tcp_, buffers, kTuple);
    moved.error = error;
    moved.bytes = bytes;
  }
  co_return moved;
}

void ConnectionStream::end_sending() {
  // Under TLS that would cut what the client still sends: the answer's own length tells its end.
  if (tls_) return;
  error_code ignored;
  tcp_.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

void ConnectionStream::reset() {
  error_code ignored;
  tcp_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
  tcp_.close();
}

asio::awaitable<void> ConnectionStream::end() {
  if (tls_ && tcp_.socket().is_open()) {
    tcp_.expires_after(kFarewell);
    auto [ignored] = co_await tls_->async_shutdown(kTuple);
    static_cast<void>(ignored);
  }
  error_code ignored;
  tcp_.socket().shutdown(tcp::socket::shutdown_both, ignored);
}

}  // namespace deltadrop::http
