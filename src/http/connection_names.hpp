#pragma once

#include <string>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

/// Short names for the network library, for .cpp files. The network runs on one thread, in coroutines.
///
/// g++ 12 miscompiles capturing lambdas and braced temporaries in a co_await expression, so coroutines
/// contain neither.
namespace deltadrop::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// Makes co_await return the error as a value.
inline constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

/// "127.0.0.1:8000", "[::1]:8000"
inline std::string address_text(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

}  // namespace deltadrop::http
