#include "http/connection_stream.hpp"

#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "http/connection_names.hpp"

namespace deltadrop::http {
namespace {

constexpr std::chrono::seconds kFarewell{1};
constexpr std::chrono::milliseconds kRingAgain{100};

/// Cancels the stream's current operation at a time, and unlike the stream's own deadline leaves the stream
/// open. It repeats until destroyed: a read under TLS consists of several reads of the socket, and a
/// cancellation between two of them has no effect.
class Alarm {
 public:
  Alarm(boost::beast::tcp_stream& stream, ConnectionStream::Clock::time_point time)
      : state_(std::make_shared<State>(stream, time)) {
    wait(state_);
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() {
    state_->over = true;
    state_->timer.cancel();
  }

  [[nodiscard]] bool rang() const { return state_->rang; }

 private:
  struct State {
    State(boost::beast::tcp_stream& of, ConnectionStream::Clock::time_point time)
        : stream(of), timer(of.get_executor(), time) {}
    boost::beast::tcp_stream& stream;  ///< may be destroyed once `over` is set
    asio::steady_timer timer;
    bool rang = false;
    bool over = false;
  };
  static void wait(const std::shared_ptr<State>& state) {
    state->timer.async_wait([state](const error_code& error) {
      if (error || state->over) return;
      state->rang = true;
      state->stream.cancel();
      state->timer.expires_after(kRingAgain);
      wait(state);
    });
  }

  std::shared_ptr<State> state_;
};

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

asio::awaitable<error_code> ConnectionStream::read_into(boost::beast::flat_buffer& buffer,
                                                        std::size_t bytes_max) {
  const auto space = buffer.prepare(bytes_max);
  const auto moved = co_await read_some(space);
  buffer.commit(moved.bytes);
  co_return moved.error;
}

asio::awaitable<error_code> ConnectionStream::read_into_until(boost::beast::flat_buffer& buffer,
                                                              std::size_t bytes_max, Clock::time_point time) {
  tcp_.expires_never();
  const Alarm alarm(tcp_, time);
  const auto error = co_await read_into(buffer, bytes_max);
  if (alarm.rang() && error == asio::error::operation_aborted) co_return asio::error::timed_out;
  co_return error;
}

asio::awaitable<ConnectionStream::Moved> ConnectionStream::read_some(asio::mutable_buffer space) {
  Moved moved;
  if (tls_) {
    auto [error, bytes] = co_await tls_->async_read_some(space, kTuple);
    moved.error = error;
    moved.bytes = bytes;
    // The framing shows whether a request is complete, so a missing TLS close_notify does not matter.
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

std::string ConnectionStream::local_address() const {
  error_code ignored;
  return address_text(tcp_.socket().local_endpoint(ignored));
}

void ConnectionStream::end_sending() {
  // Under TLS, this would cut off what the client still sends. The response's length marks its end.
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
