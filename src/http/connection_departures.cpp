#include "http/connection_departures.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "http/connection_names.hpp"

namespace deltadrop::http {
namespace {

/// Asio only waits for readable data, which may also be a pipelined request. Only epoll itself can tell the
/// two apart.
int make_epoll() {
  const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return descriptor;
}

}  // namespace

Departures::Departures(asio::io_context& network) : epoll_(network, make_epoll()) {}

Departures::Watch::Watch(Departures& departures, tcp::socket& socket, std::stop_source gone)
    : departures_(departures), socket_(socket), number_(++departures.last_number_) {
  epoll_event event{};
  event.events = EPOLLRDHUP | EPOLLONESHOT;  // the kernel adds EPOLLHUP and EPOLLERR
  event.data.u64 = number_;
  // If this fails, the server only works on the request longer than needed.
  if (::epoll_ctl(departures.epoll_.native_handle(), EPOLL_CTL_ADD, socket.native_handle(), &event) != 0)
    return;
  departures.watched_.emplace(number_, std::move(gone));
  if (!departures.waiting_) departures.wait();
}

Departures::Watch::~Watch() {
  if (departures_.watched_.erase(number_) == 0) return;
  // A closed socket has already left the epoll set.
  if (socket_.is_open()) {
    ::epoll_ctl(departures_.epoll_.native_handle(), EPOLL_CTL_DEL, socket_.native_handle(), nullptr);
  }
  departures_.end_if_last();
}

void Departures::end_with_last() {
  ending_ = true;
  end_if_last();
}

void Departures::end_if_last() {
  error_code ignored;
  if (ending_ && watched_.empty()) epoll_.cancel(ignored);
}

void Departures::wait() {
  waiting_ = true;
  epoll_.async_wait(asio::posix::descriptor_base::wait_read, [this](const error_code& error) {
    waiting_ = false;
    if (error) return;
    take_events();
    if (!ending_ || !watched_.empty()) wait();
  });
}

void Departures::take_events() {
  std::array<epoll_event, 64> events{};
  int count = 0;
  do {
    count = ::epoll_wait(epoll_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
      const auto found = watched_.find(events[static_cast<std::size_t>(i)].data.u64);
      if (found != watched_.end()) found->second.request_stop();
    }
  } while (count == static_cast<int>(events.size()));
}

}  // namespace deltadrop::http
