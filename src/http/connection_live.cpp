#include "http/connection_live.hpp"

#include <array>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include "http/connection_names.hpp"

namespace deltadrop::http {
namespace {

/// Returns whether the socket has reached its end and has no unread bytes.
bool has_ended(tcp::socket& socket) {
  std::array<char, 1> byte{};
  error_code error;
  socket.non_blocking(true, error);
  const auto count = socket.receive(asio::buffer(byte), tcp::socket::message_peek, error);
  return count == 0 && error != asio::error::would_block && error != asio::error::try_again;
}

}  // namespace

void LiveWait::ring() {
  asio::post(network_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->wake();
  });
}

void LiveWait::wake() {
  woken_ = true;
  timer_.cancel();
}

asio::awaitable<void> LiveWait::wait(std::chrono::steady_clock::duration time_max) {
  if (woken_) co_return;
  timer_.expires_after(time_max);
  auto [ended] = co_await timer_.async_wait(kTuple);
  static_cast<void>(ended);
}

void LiveWait::watch(tcp::socket& socket) {
  watching_ = true;
  socket.async_wait(tcp::socket::wait_read, [self = shared_from_this(), &socket](const error_code& error) {
    if (!self->watching_ || error || !has_ended(socket)) return;
    self->client_is_gone_ = true;
    self->wake();
  });
}

}  // namespace deltadrop::http
